"""One console and its tracks, without a network."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from aiortc.mediastreams import MediaStreamError

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media import pipeline
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.encode.frame_scheduler import KEYFRAME_INTERVAL_S
from libvirt_webrtc.media.formats import FULL, REDUCED, VideoFormat
from libvirt_webrtc.media.rtp.frame import RtpFrame
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.media.helpers import Decoder, draw, picture, psnr, show, soon, until

H264 = VideoFormat.H264


@pytest.fixture
def framebuffer() -> Framebuffer:
    framebuffer = Framebuffer()
    show(framebuffer, picture(160, 120))
    return framebuffer


async def settled(video: ConsoleVideo, track: ConsoleTrack) -> list[RtpFrame]:
    """Read packets until none has come for much longer than settling takes."""
    packets = [await track.next_frame()]
    while True:
        try:
            async with asyncio.timeout(KEYFRAME_INTERVAL_S + 0.5):
                packets.append(await track.next_frame())
        except TimeoutError:
            return packets


@pytest.mark.parametrize("codec", VideoFormat)
async def test_still_picture_sends_nothing(codec: VideoFormat, video: ConsoleVideo) -> None:
    track = video.track(codec)
    packets = await soon(settled(video, track))
    assert packets[0].keyframe and len(packets) > 1
    before = video.stats()
    await asyncio.sleep(0.5)
    assert video.stats() == before


async def test_damage_is_encoded_as_it_comes(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    track, decoder = video.track(H264), Decoder(H264)
    for packet in await soon(settled(video, track)):
        decoder.decode(packet)
    draw(framebuffer, 40, 20, picture(60, 80, seed=2))
    for packet in await soon(settled(video, track)):
        assert not packet.keyframe
        shown = decoder.pixels(packet)
    assert psnr(shown, framebuffer.pixels) > 28


async def test_timestamps_grow_strictly(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    track = video.track(H264)
    stamps = []
    for n in range(8):
        show(framebuffer, picture(160 + n // 4 * 16, 120, seed=n))
        packet = await soon(track.next_frame())
        assert packet.timestamp > 0
        stamps.append(packet.timestamp)
    assert stamps == sorted(set(stamps))


async def test_no_picture_yet_waits_for_one() -> None:
    framebuffer = Framebuffer()
    video = ConsoleVideo(framebuffer)
    track = video.track(H264)
    reading = asyncio.create_task(track.next_frame())
    await asyncio.sleep(0.05)
    assert not reading.done()
    show(framebuffer, picture(64, 48))
    assert (await soon(reading)).keyframe
    await video.close()


async def test_encoding_starts_with_the_first_read_and_ends_with_the_last_viewer(video: ConsoleVideo) -> None:
    track = video.track(H264)
    await asyncio.sleep(0)
    assert video.stats().renditions == ()
    await soon(track.next_frame())
    assert video.stats().viewers == 1
    track.stop()
    track.stop()
    await until(lambda: video.stats().renditions == ())
    with pytest.raises(MediaStreamError):
        await track.next_frame()
    again = video.track(H264)
    assert (await soon(again.next_frame())).keyframe


async def test_joining_viewer_starts_with_a_keyframe_that_all_share(video: ConsoleVideo) -> None:
    first, late = video.track(H264), video.track(H264)
    await soon(settled(video, first))
    start = await soon(late.next_frame())
    assert start.keyframe
    assert await soon(first.next_frame()) is start


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


async def test_modes_change_without_leaks_or_more_than_a_keyframe_each(
    framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    track = video.track(H264)
    reader = asyncio.create_task(read(track))
    for n in range(20):
        show(framebuffer, picture(160 + 32 * (n % 2), 120, seed=n))
        await until(lambda n=n: track.stats().keyframes > n)  # type: ignore[misc]  # bound now
    assert track.stats().keyframes == 20 and track.stats().dropped == 0
    assert [rendition.key.layer for rendition in video.stats().renditions] == [FULL]
    threads = sum(thread.name.startswith("encode") for thread in threading.enumerate())
    assert threads == 1
    track.stop()
    await soon(reader)


async def read(track: ConsoleTrack) -> None:
    """As a sender does on a good path."""
    try:
        while True:
            await track.next_frame()
    except MediaStreamError:
        pass


async def test_downsampled_picture_has_half_the_size(framebuffer: Framebuffer) -> None:
    video = ConsoleVideo(framebuffer, downsample=True)
    packet = await soon(video.track(H264).next_frame())
    (frame,) = Decoder(H264).decode(packet)
    assert (frame.width, frame.height) == (80, 60)
    await video.close()


class Failing:
    """Makes encoders that fail a number of times, then work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: int, error: Exception) -> None:
        self.left = failures
        outer = self

        class Encoder(VideoEncoder):
            def encode(self, *args: object, **kwargs: object) -> EncodedFrame:
                if outer.left:
                    outer.left -= 1
                    raise error
                return super().encode(*args, **kwargs)  # type: ignore[arg-type]  # passed through

        monkeypatch.setattr(pipeline, "VideoEncoder", Encoder)


async def test_failed_encoder_is_replaced_once(video: ConsoleVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    Failing(monkeypatch, 1, MediaError("broken"))
    track = video.track(H264)
    assert (await soon(track.next_frame())).keyframe
    assert video.stats().renditions[0].failures == 1


@pytest.mark.parametrize("error", [MediaError("broken"), RuntimeError("a bug")])
async def test_broken_encoder_ends_the_tracks_with_a_reason(
    video: ConsoleVideo, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    Failing(monkeypatch, 2, error)
    track = video.track(H264)
    ended = asyncio.Event()
    track.on("ended", ended.set)
    with pytest.raises(MediaStreamError):
        await soon(track.next_frame())
    assert ended.is_set() and track.readyState == "ended"
    assert isinstance(track.error, MediaError)
    assert video.stats().renditions == ()


async def test_next_viewer_after_a_failure_gets_a_new_encoder(
    video: ConsoleVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    Failing(monkeypatch, 2, MediaError("broken"))
    with pytest.raises(MediaStreamError):
        await soon(video.track(H264).next_frame())
    assert (await soon(video.track(H264).next_frame())).keyframe


async def test_close_ends_the_tracks(framebuffer: Framebuffer) -> None:
    video = ConsoleVideo(framebuffer)
    track = video.track(H264)
    await soon(settled(video, track))
    reading = asyncio.create_task(track.next_frame())
    await asyncio.sleep(0)
    await soon(video.close())
    await soon(video.close())
    with pytest.raises(MediaStreamError):
        await reading
    assert not framebuffer.watched
    with pytest.raises(MediaError):
        video.track(H264)


async def test_disabled_console_keeps_its_last_picture(framebuffer: Framebuffer, video: ConsoleVideo) -> None:
    track = video.track(H264)
    await soon(settled(video, track))
    before = video.stats()
    framebuffer.disable()
    await asyncio.sleep(0.1)
    assert video.stats() == before


async def test_new_memory_of_the_same_size_needs_no_keyframe(
    framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    """A guest that flips between two pages maps one after the other, all the time."""
    track = video.track(H264)
    await soon(settled(video, track))
    for seed in (1, 2):
        pixels = picture(160, 120, seed=seed)
        framebuffer.map(160, 120, 640, 0x20020888, pixels.tobytes())
        assert not (await soon(track.next_frame())).keyframe
