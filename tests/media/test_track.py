"""One viewer's track: the layer that it follows, what it drops, and the keyframes that it may have."""

import asyncio
import time
from collections.abc import Callable

import pytest

from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.formats import FULL, REDUCED, VideoFormat
from libvirt_webrtc.media.rtp.frame import RtpFrame
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.media.helpers import picture, show, soon, until
from tests.media.reading import read, settled

H264 = VideoFormat.H264


@pytest.fixture
def framebuffer() -> Framebuffer:
    framebuffer = Framebuffer()
    show(framebuffer, picture(160, 120))
    return framebuffer


async def test_slow_viewer_drops_to_a_keyframe_of_a_cheaper_layer_and_others_do_not(
    framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    slow, quick = video.track(H264), video.track(H264)
    await soon(slow.next_frame())
    seen: list[RtpFrame] = []
    n = 0
    while slow.layer is FULL:
        n += 1
        show(framebuffer, picture(160, 120, seed=n))
        seen.append(await soon(quick.next_frame()))
    assert slow.stats().dropped and "connection carries about" in slow.layer_reason
    assert (await soon(slow.next_frame())).keyframe
    assert quick.layer is FULL and quick.stats().dropped == 0
    stamps = [packet.timestamp for packet in seen]
    assert stamps == sorted(set(stamps))
    assert sum(packet.keyframe for packet in seen) <= 2


async def test_far_viewer_begins_in_a_cheaper_layer(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    far, near = video.track(H264), video.track(H264)
    far.congestion.begin(time.monotonic(), 0.1)
    near.congestion.begin(time.monotonic(), 0.001)
    assert (await soon(far.next_frame())).keyframe and far.layer is REDUCED
    assert "connection carries about" in far.layer_reason
    assert (await soon(near.next_frame())).keyframe and near.layer is FULL
    assert {rendition.key.layer: rendition.keyframes for rendition in video.stats().renditions} == {
        FULL: 1,
        REDUCED: 1,
    }


async def test_frame_is_not_wanted_any_more_when_another_layer_has_come(
    framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    track = video.track(H264)
    frame = await soon(track.next_frame())
    assert track.is_wanted(frame)
    track.congestion.limit(time.monotonic(), FULL.needs_bps)
    show(framebuffer, picture(160, 120, seed=1))
    await until(lambda: track.layer is REDUCED)
    assert not track.is_wanted(frame)
    following = await soon(track.next_frame())
    assert following.keyframe and track.is_wanted(following)


async def test_keyframe_requests_are_served_once(video: ConsoleVideo) -> None:
    track = video.track(H264)
    await soon(settled(video, track))
    reading = asyncio.create_task(settled(video, track))
    await asyncio.sleep(0)
    for _ in range(20):
        track.request_keyframe()
    assert sum(packet.keyframe for packet in await soon(reading)) == 1


async def test_viewer_that_keeps_losing_pictures_leaves_the_rendition_of_the_others(
    framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    lossy, steady = video.track(H264), video.track(H264)
    readers = [asyncio.create_task(read(track)) for track in (lossy, steady)]
    seed = 0

    async def lose(stop: Callable[[], bool]) -> None:
        nonlocal seed
        while not stop():
            seed += 1
            show(framebuffer, picture(160, 120, seed=seed))
            lossy.request_keyframe()
            await asyncio.sleep(0.02)

    await soon(lose(lambda: lossy.layer is not FULL))
    before = steady.stats()
    asked = seed
    await soon(lose(lambda: seed > asked + 500))
    after = steady.stats()
    assert after.layer == "full" and after.dropped == 0
    # Each time the other tries the full layer again, one keyframe of it is shared.
    assert after.keyframes - before.keyframes <= 2
    assert after.frames > before.frames
    assert lossy.stats().keyframes <= 20
    for track, reader in zip((lossy, steady), readers, strict=True):
        track.stop()
        await soon(reader)
    await until(lambda: video.stats().renditions == ())
