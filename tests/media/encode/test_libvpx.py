"""VP8 and VP9 keep to their layer's rate: in keyframes, also after stillness, and while a picture is refined."""

import numpy as np
import pytest

from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.media.convert.yuv import plane_view
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.frame_scheduler import Quality
from libvirt_webrtc.media.encode.settling import settling
from libvirt_webrtc.media.formats import CLOCK_RATE, FULL, HALF, LAYERS, REDUCED, Layer, VideoFormat
from libvirt_webrtc.picture.pixels import Rect
from tests.bench.scroll import HEIGHT, WIDTH, Scroll
from tests.media.helpers import Decoder

MOTION_RATE = 30
KEYFRAME_S = 0.35
"""How many seconds of its layer's rate a keyframe may take: 0.15 are aimed for."""
REFINING_S = 0.45
"""The same for a frame that refines a still picture; a viewer that is sent more waits too long for what moves next."""

LIBVPX = (VideoFormat.VP8, VideoFormat.VP9)


class Terminal:
    """A terminal in 1080p that scrolls, and stands still."""

    def __init__(self, format_: VideoFormat, layer: Layer) -> None:
        self.layer = layer
        self.scroll = Scroll()
        self.converter = FrameConverter(WIDTH, HEIGHT, scale=layer.scale)
        self.encoder = VideoEncoder(format_, self.converter.frame, layer=layer)
        self.decoder = Decoder(format_)
        self.timestamp = 0
        self.step = 0

    def move(self, frames: int) -> list[float]:
        sizes = []
        for _ in range(frames):
            self.step += 1
            self.converter.convert(self.scroll.picture(self.step), [Rect(0, 0, WIDTH, HEIGHT)])
            sizes.append(self.encode(1 / MOTION_RATE))
        return sizes

    def encode(self, after_s: float, *, quality: Quality = Quality.MOTION, keyframe: bool = False) -> float:
        """How many seconds of the layer's rate the frame takes."""
        self.timestamp += int(after_s * CLOCK_RATE)
        made = self.encoder.encode(self.timestamp, quality=quality, keyframe=keyframe)
        (self.decoded,) = self.decoder.decode(made)
        return len(made.data) * 8 / self.layer.max_bitrate

    def luma_psnr(self) -> float:
        shown, wanted = (
            plane_view(frame.planes[0]).astype(np.float64) for frame in (self.decoded, self.converter.frame)
        )
        return float(10 * np.log10(255**2 / max(((shown - wanted) ** 2).mean(), 1e-9)))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
@pytest.mark.parametrize("format_", LIBVPX)
def test_keyframes_take_little_time_of_the_layers_rate(format_: VideoFormat, layer: Layer) -> None:
    """At the begin, in motion, and when somebody joins a picture that has stood still for a minute."""
    terminal = Terminal(format_, layer)
    (first,) = terminal.move(1)
    terminal.move(5)
    in_motion = terminal.encode(1 / MOTION_RATE, keyframe=True)
    still = terminal.encode(60.0, keyframe=True)
    assert max(first, in_motion, still) < KEYFRAME_S, (first, in_motion, still)


@pytest.mark.parametrize("format_", LIBVPX)
def test_libvpx_is_not_told_how_long_a_picture_stood_still(format_: VideoFormat) -> None:
    """It would give the next keyframe all that the rate allows for that time."""
    terminal = Terminal(format_, HALF)
    terminal.move(2)
    told = [terminal.converter.frame.pts or 0]
    for after_s in (60.0, 1 / MOTION_RATE):
        terminal.encode(after_s)
        told.append(terminal.converter.frame.pts or 0)
    assert 0 < told[1] - told[0] <= CLOCK_RATE // 15
    assert told[2] - told[1] == CLOCK_RATE // MOTION_RATE


@pytest.mark.parametrize("layer", (REDUCED, HALF), ids=lambda layer: layer.name)
def test_a_still_picture_of_a_lower_layer_is_refined_within_its_rate(layer: Layer) -> None:
    terminal = Terminal(VideoFormat.VP8, layer)
    terminal.move(20)
    moving_db = terminal.luma_psnr()
    plan = settling(VideoFormat.VP8, layer, WIDTH, HEIGHT)
    sizes = [
        terminal.encode(plan.interval_s, quality=Quality.BETTER if number == 0 else Quality.FINE)
        for number in range(plan.frames)
    ]
    assert max(sizes) < REFINING_S
    assert terminal.luma_psnr() > moving_db + 8


def test_refining_in_the_best_quality_ends_where_it_would_take_seconds() -> None:
    assert settling(VideoFormat.VP8, FULL, 1920, 1080).by_quality
    assert not settling(VideoFormat.VP8, FULL, 5120, 2792).by_quality
    assert settling(VideoFormat.H264, HALF, 5120, 2792).by_quality
