"""What is sent of a picture that is too large for a viewer's decoders, known or found out."""

import asyncio

import pytest

from libvirt_webrtc.media import formats
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.decoders import (
    ANSWER_S,
    UNANSWERED_KEYFRAMES,
    Decoders,
    KeyframeAnswers,
    shape_of,
)
from libvirt_webrtc.media.formats import FULL, HALF, REDUCED, RenditionKey, VideoFormat
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.media.helpers import Decoder, picture, psnr, show, soon

CHROMIUM = Decoders.of((VideoFormat.H264_444, VideoFormat.H264, VideoFormat.VP8))
H264_ONLY = Decoders.of((VideoFormat.H264,))


@pytest.mark.parametrize(
    ("size", "decoders", "format_", "encoded"),
    [
        ((4096, 2304), CHROMIUM, VideoFormat.H264_444, (4096, 2304)),
        ((2304, 4096), CHROMIUM, VideoFormat.H264_444, (2304, 4096)),
        ((8192, 1152), CHROMIUM, VideoFormat.H264_444, (8192, 1152)),
        ((4096, 2305), CHROMIUM, VideoFormat.VP8, (4096, 2306)),
        ((4096, 2400), CHROMIUM, VideoFormat.VP8, (4096, 2400)),
        ((5120, 2792), CHROMIUM, VideoFormat.VP8, (5120, 2792)),
        ((7680, 4320), CHROMIUM, VideoFormat.H264_444, (3840, 2160)),
        ((8192, 8192), CHROMIUM, VideoFormat.VP8, (4096, 4096)),
        ((4096, 2400), H264_ONLY, VideoFormat.H264, (2048, 1200)),
        ((5121, 2793), H264_ONLY, VideoFormat.H264, (2562, 1398)),
        ((8192, 8192), H264_ONLY, VideoFormat.H264, (2048, 2048)),
    ],
)
def test_a_picture_is_sent_as_large_as_decoders_take_it(
    size: tuple[int, int], decoders: Decoders, format_: VideoFormat, encoded: tuple[int, int]
) -> None:
    key = decoders.key(FULL, *size)
    assert key.format is format_
    shape = shape_of(key, *size)
    assert shape.encoded == encoded
    assert shape.reduced == shape.scale == -(-size[0] // encoded[0])
    assert shape_of(decoders.key(HALF, *size), *size).scale >= 2


def test_viewers_share_a_rendition_that_is_reduced_anyway() -> None:
    assert H264_ONLY.key(FULL, 5120, 2792) == RenditionKey(VideoFormat.H264)
    assert CHROMIUM.key(HALF, 5120, 2792) == RenditionKey(VideoFormat.H264_444, HALF)


def test_what_the_operator_or_the_layer_halves_is_not_told_as_reduced() -> None:
    assert shape_of(RenditionKey(VideoFormat.H264, HALF), 1920, 1080).reduced == 1
    assert shape_of(RenditionKey(VideoFormat.H264), 1920, 1080, downsample=True).reduced == 1
    assert shape_of(RenditionKey(VideoFormat.H264), 8192, 8192, downsample=True).reduced == 2


def test_what_was_not_decoded_is_never_sent_again_and_what_is_smaller_is() -> None:
    decoders = CHROMIUM
    tried = []
    for _ in range(8):
        key = decoders.key(FULL, 1920, 1080)
        shape = shape_of(key, 1920, 1080)
        tried.append((key.format, shape.scale))
        decoders = decoders.without(key.format, shape.encoded)
    assert tried[:6] == [(format_, scale) for scale in (1, 2) for format_, _ in CHROMIUM.limits]
    assert decoders.key(FULL, 640, 480) == RenditionKey(VideoFormat.VP8)
    assert decoders.key(FULL, 240, 160) == RenditionKey(VideoFormat.H264_444)


def test_a_decoder_is_given_up_after_several_keyframes_that_arrived_whole() -> None:
    answers = KeyframeAnswers()
    for number in range(UNANSWERED_KEYFRAMES):
        assert not answers.reported(whole=True)
        answers.asked(number + 0.3, number, number + 0.2)
    assert answers.reported(whole=True)


def test_requests_that_are_repeated_until_the_next_keyframe_count_once() -> None:
    answers = KeyframeAnswers()
    for number in range(UNANSWERED_KEYFRAMES - 1):
        for repeated in range(9):
            answers.asked(number + 0.3 + repeated / 100, number, number + 0.2)
            assert not answers.reported(whole=True)


@pytest.mark.parametrize("reason", ["lost", "late"])
def test_a_decoder_is_not_blamed_for_what_the_path_lost_nor_for_a_later_request(reason: str) -> None:
    answers = KeyframeAnswers()
    for number in range(10):
        late_s = 0.1 if reason == "lost" or number % 2 else ANSWER_S
        answers.asked(10.0 * number + late_s, 10.0 * number - 0.2, 10.0 * number)
        if reason == "lost":
            assert not answers.reported(whole=False)
        assert not answers.reported(whole=True)


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders of H.264 that take 320x240, those of VP8 640x480."""
    monkeypatch.setattr(formats, "_H264_MACROBLOCKS", 300)
    monkeypatch.setattr(formats, "_LIBVPX_MACROBLOCKS", 1200)


async def test_one_track_changes_its_format_with_the_guests_size(
    framebuffer: Framebuffer, video: ConsoleVideo, small_limit: None
) -> None:
    """From the first frame on each decodes: what does not fit is halved until the other format has come."""
    track = video.track(VideoFormat.H264, VideoFormat.VP8)
    reduced: list[int] = []
    decoders: dict[VideoFormat, Decoder] = {}
    track.on("reduced", lambda: reduced.append(track.reduced))
    for size, format_, scale in (
        ((320, 240), VideoFormat.H264, 1),
        ((640, 480), VideoFormat.VP8, 1),
        ((1280, 960), VideoFormat.VP8, 2),
        ((320, 240), VideoFormat.H264, 1),
    ):
        pixels = picture(*size, seed=size[0])
        show(framebuffer, pixels)
        wanted = pixels
        for _ in range(scale - 1):
            wanted = pixels.reshape(size[1] // 2, 2, size[0] // 2, 2, 4).mean(axis=(1, 3)).astype("uint8")
        async with asyncio.timeout(30):
            while True:
                frame = await track.next_frame()
                limit = 300 if frame.encoded.format is VideoFormat.H264 else 1200
                assert formats.macroblocks(*frame.shape.encoded) <= limit
                if frame.keyframe:
                    decoders[frame.encoded.format] = Decoder(frame.encoded.format)
                shown = decoders[frame.encoded.format].pixels(frame)
                if (frame.encoded.format, frame.shape.guest, frame.shape.scale) == (format_, size, scale):
                    break
        assert psnr(shown, wanted) > 25
        assert track.stats().format == format_
    assert reduced == [2, 1], "what passes is not told"


async def test_a_viewer_that_decodes_nothing_is_sent_another_format_and_never_the_first_again(
    framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    now = 100.0
    track = ConsoleTrack((VideoFormat.H264, VideoFormat.VP8), video.subscribe, clock=lambda: now)

    async def undecoded(format_: VideoFormat, size: tuple[int, int]) -> None:
        """Every keyframe of this kind arrives whole, and is answered by a request for another."""
        nonlocal now
        while True:
            frame = await soon(track.next_frame())
            if (frame.encoded.format, frame.shape.encoded) != (format_, size):
                return
            track.keyframe_reported(whole=True)
            following = asyncio.create_task(track.next_frame())
            await asyncio.sleep(0)
            now += 0.25
            track.request_keyframe()
            show(framebuffer, picture(160, 120, seed=int(now * 4)))
            await soon(following)

    show(framebuffer, picture(160, 120))
    await undecoded(VideoFormat.H264, (160, 120))
    assert track.key == RenditionKey(VideoFormat.VP8) and track.congestion.target_bps > REDUCED.needs_bps
    await undecoded(VideoFormat.VP8, (160, 120))
    assert track.key == RenditionKey(VideoFormat.H264, FULL, 2)
    assert track.reduced == 2
    for seed in range(20):
        show(framebuffer, picture(160, 120, seed=seed))
        frame = await soon(track.next_frame())
        assert frame.shape.encoded == (80, 60)
    track.stop()
