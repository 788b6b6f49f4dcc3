"""libx264 without FFmpeg between: quantizers, and macroblocks that have not changed."""

import numpy as np
import pytest

from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.ffmpeg import FfmpegCoder
from libvirt_webrtc.media.encode.frame_scheduler import Quality
from libvirt_webrtc.media.encode.x264 import X264Coder
from libvirt_webrtc.media.formats import FULL, HALF, MAX_FRAME_RATE, REDUCED, Layer, VideoFormat
from libvirt_webrtc.picture.pixels import Pixels, Rect
from tests.media.helpers import picture, psnr
from tests.media.stage import HEIGHT, WIDTH, Stage

BOX = Rect(128, 64, 32, 16)
FORMATS = [VideoFormat.H264, VideoFormat.H264_444]


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
    assert VideoEncoder(VideoFormat.H264, frame, layer=layer).coder is coder
