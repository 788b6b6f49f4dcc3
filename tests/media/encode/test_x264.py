"""libx264 without FFmpeg between: quantizers, macroblocks that have not changed, and what if it is another build."""

import logging
from collections.abc import Iterator

import numpy as np
import pytest

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.media.encode import libx264
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.ffmpeg import FfmpegCoder
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.encode.frame_scheduler import Quality
from libvirt_webrtc.media.encode.x264 import X264Coder
from libvirt_webrtc.media.formats import CLOCK_RATE, FULL, HALF, MAX_FRAME_RATE, REDUCED, Layer, VideoFormat
from libvirt_webrtc.picture.pixels import Pixels, Rect
from tests.media.helpers import Decoder, picture, psnr

WIDTH, HEIGHT = 640, 480
WHOLE = Rect(0, 0, WIDTH, HEIGHT)
BOX = Rect(128, 64, 32, 16)
FORMATS = [VideoFormat.H264, VideoFormat.H264_444]


class Stage:
    def __init__(self, format_: VideoFormat) -> None:
        self.converter = FrameConverter(WIDTH, HEIGHT, full_chroma=format_.full_chroma)
        self.encoder = VideoEncoder(format_, self.converter.frame)
        self.decoder = Decoder(format_)
        self.timestamp = 0

    def encode(
        self,
        pixels: Pixels,
        *,
        told: Rect | None = WHOLE,
        quality: Quality = Quality.MOTION,
        keyframe: bool = False,
    ) -> tuple[EncodedFrame, Pixels]:
        """All of ``pixels``, of which the encoder is ``told`` a part."""
        self.converter.convert(pixels, [WHOLE])
        self.timestamp += CLOCK_RATE // MAX_FRAME_RATE
        changed = [told] if told else []
        made = self.encoder.encode(self.timestamp, changed=changed, quality=quality, keyframe=keyframe)
        return made, self.decoder.pixels(made)


def within(pixels: Pixels, rect: Rect) -> Pixels:
    return pixels[rect.y : rect.bottom, rect.x : rect.right]


def inverted(pixels: Pixels, rect: Rect) -> Pixels:
    other = pixels.copy()
    within(other, rect)[..., :3] ^= 255
    return other


@pytest.mark.parametrize("format_", FORMATS)
def test_only_what_has_changed_is_looked_at(format_: VideoFormat) -> None:
    stage, still = Stage(format_), picture(WIDTH, HEIGHT)
    _, first = stage.encode(still)
    changed = inverted(inverted(still, BOX), Rect(320, 320, 32, 16))
    _, second = stage.encode(changed, told=BOX)
    assert psnr(within(second, BOX), within(changed, BOX)) > 30
    within(first, BOX)[:] = within(second, BOX)
    assert np.array_equal(second, first)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_picture_becomes_finer_without_a_change(format_: VideoFormat) -> None:
    stage, still = Stage(format_), picture(WIDTH, HEIGHT)
    seen = [psnr(stage.encode(still)[1], still)]
    for quality in (Quality.BETTER, Quality.FINE):
        seen.append(psnr(stage.encode(still, told=None, quality=quality)[1], still))
    assert seen == sorted(seen) and seen[-1] > seen[0] + 1
    assert len(stage.encode(still, told=None, quality=Quality.FINE)[0].data) < 1000


@pytest.mark.parametrize("format_", FORMATS)
def test_motion_beside_a_fine_picture_leaves_it_fine(format_: VideoFormat) -> None:
    stage, still = Stage(format_), picture(WIDTH, HEIGHT)
    for quality in Quality:
        _, fine = stage.encode(still, quality=quality)
    _, moved = stage.encode(inverted(still, BOX), told=BOX)
    beside = Rect(0, 128, WIDTH, HEIGHT - 128)
    assert np.array_equal(within(moved, beside), within(fine, beside))


@pytest.mark.parametrize("format_", FORMATS)
def test_a_keyframe_shows_all_whatever_was_told(format_: VideoFormat) -> None:
    stage = Stage(format_)
    stage.encode(picture(WIDTH, HEIGHT))
    other = picture(WIDTH, HEIGHT, seed=1)
    made, seen = stage.encode(other, told=BOX, keyframe=True)
    assert made.keyframe and psnr(seen, other) > 32


def test_motion_keeps_to_the_bit_rate() -> None:
    stage, random = Stage(VideoFormat.H264_444), np.random.default_rng(1)
    sizes = []
    for _ in range(180):
        noise = random.integers(64, 192, (HEIGHT // 8, WIDTH // 8, 4), np.uint8)
        sizes.append(len(stage.encode(noise.repeat(8, 0).repeat(8, 1))[0].data))
    burst = FULL.max_bitrate / 8 * FULL.burst_s
    most = sizes[0] + burst + FULL.max_bitrate / 8 * len(sizes) / MAX_FRAME_RATE
    assert sum(sizes) < most < sizes[1] * len(sizes)


@pytest.mark.parametrize(("layer", "coder"), [(FULL, X264Coder), (REDUCED, FfmpegCoder), (HALF, FfmpegCoder)])
def test_layers_that_are_short_of_bits_have_the_better_rate_control(layer: Layer, coder: type) -> None:
    frame = FrameConverter(WIDTH, HEIGHT).frame
    assert type(VideoEncoder(VideoFormat.H264, frame, layer=layer)._coder) is coder


@pytest.fixture
def forgotten() -> Iterator[None]:
    """The library is looked for anew, in the test and after it."""

    def forget() -> None:
        libx264.is_usable.cache_clear()
        libx264._library.cache_clear()

    forget()
    yield
    forget()


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("known", "value", "complaint"),
    [
        ("_BUILDS", (1,), "another build than 1"),
        ("_DEFAULT_DEADZONE", [1, 2], "not laid out as in its builds"),
    ],
)
def test_an_unknown_build_is_used_through_ffmpeg(
    format_: VideoFormat,
    known: str,
    value: object,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(libx264, known, value)
    with caplog.at_level(logging.WARNING):
        stage = Stage(format_)
    assert isinstance(stage.encoder._coder, FfmpegCoder)
    assert complaint in caplog.text
    still = picture(WIDTH, HEIGHT)
    assert psnr(stage.encode(still)[1], still) > 30


def test_settings_that_it_does_not_know_are_a_media_error() -> None:
    planes = [np.zeros((16, 16), np.uint8), np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8)]
    for settings, profile in (({"colour": "none"}, "baseline"), ({}, "finest")):
        with pytest.raises(MediaError, match=r"colour|finest"):
            libx264.Encoder(planes, settings, profile)
