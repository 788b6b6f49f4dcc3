"""One console and its renditions, without a network: what is encoded, and when."""

import asyncio
import threading

import pytest
from aiortc.mediastreams import MediaStreamError

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.formats import FULL, VideoFormat
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.media.helpers import Decoder, draw, picture, psnr, show, soon, until
from tests.media.reading import read, settled

H264 = VideoFormat.H264


@pytest.fixture
def framebuffer() -> Framebuffer:
    framebuffer = Framebuffer()
    show(framebuffer, picture(160, 120))
    return framebuffer


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


async def test_downsampled_picture_has_half_the_size(framebuffer: Framebuffer) -> None:
    video = ConsoleVideo(framebuffer, downsample=True)
    packet = await soon(video.track(H264).next_frame())
    (frame,) = Decoder(H264).decode(packet)
    assert (frame.width, frame.height) == (80, 60)
    await video.close()


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
