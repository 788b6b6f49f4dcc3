"""Coloured words through a real encoder: how they look decoded, and that a still picture becomes fine."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from examples.guests.layout import Layout
from examples.guests.picture import expected
from libvirt_webrtc.media.convert.converter import FULL_RANGE, LIMITED_RANGE, SMPTE170M, FrameConverter
from libvirt_webrtc.media.convert.yuv import plane_view
from libvirt_webrtc.media.convert.yuv444 import LibyuvFullChromaBackend
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.encode.frame_scheduler import Quality
from libvirt_webrtc.media.encode.refine import graded
from libvirt_webrtc.media.formats import FULL, MAX_FRAME_RATE, REDUCED, Layer, VideoFormat
from libvirt_webrtc.picture.pixels import Pixels, Rect
from tests.media.helpers import Decoder, picture
from tests.support.decibels import Decibels, as_sharp_as_can_be, decibels

WIDTH, HEIGHT = 1280, 720
WHOLE = Rect(0, 0, WIDTH, HEIGHT)
LINE = 16
PROFILE_HIGH_444 = 244
EVERYWHERE: npt.NDArray[np.bool_] = np.ones((HEIGHT, WIDTH), np.bool_)


def scrolling_words(frames: int) -> Iterator[Pixels]:
    """Coloured words that move up by a line with each frame, as in a terminal."""
    zone = Layout(WIDTH, HEIGHT).zone
    rows = zone.height // LINE * LINE
    text = np.concatenate([expected(WIDTH, HEIGHT, nonce, words=True)[:rows] for nonce in (1, 2)])
    for line in range(frames):
        rgb = expected(WIDTH, HEIGHT, 1, words=True)
        rgb[:rows, : zone.width] = text[line * LINE : line * LINE + rows, : zone.width]
        yield np.dstack([rgb[..., ::-1], np.full((HEIGHT, WIDTH), 255, np.uint8)])


def rgb_decibels(decoded: Pixels, source: Pixels) -> Decibels:
    return decibels(decoded[..., 2::-1], source[..., 2::-1], EVERYWHERE)


class Stage:
    """Converter, encoder and decoder of one format and layer."""

    def __init__(self, format_: VideoFormat, layer: Layer = FULL) -> None:
        self.converter = FrameConverter(WIDTH, HEIGHT, full_chroma=format_.full_chroma)
        self.encoder = VideoEncoder(format_, self.converter.frame, layer=layer)
        self.decoder = Decoder(format_)
        self.timestamp = 0
        self.decoded = np.zeros((0, 0, 4), np.uint8)

    def encode(self, quality: Quality) -> EncodedFrame:
        self.timestamp += 1500
        made = self.encoder.encode(self.timestamp, quality=quality)
        self.decoded = self.decoder.pixels(made)
        return made

    def scroll(self, frames: int = 20) -> Pixels:
        """Encode the words as they move; the last picture."""
        for pixels in scrolling_words(frames):
            self.converter.convert(pixels, [WHOLE])
            self.encode(Quality.MOTION)
        return pixels


@pytest.mark.parametrize("format_", VideoFormat)
def test_motion_after_a_refined_picture_costs_what_it_did_before(format_: VideoFormat) -> None:
    """libvpx would go on at the finer quality."""
    sizes = []
    for refined in (Quality.MOTION, Quality.FINE):
        stage = Stage(format_)
        stage.scroll(2)
        stage.encode(refined)
        stage.encode(refined)
        stage.converter.convert(picture(WIDTH, HEIGHT), [WHOLE])
        sizes.append(len(stage.encode(Quality.MOTION).data))
    assert sizes[1] < 1.5 * sizes[0]


def test_finer_frames_share_the_pictures_memory() -> None:
    converter = FrameConverter(64, 32, full_chroma=True)
    frames = graded(converter.frame)
    pixels = picture(64, 32)
    converter.convert(pixels, [Rect(0, 0, 64, 32)])
    for frame in frames.values():
        for one, other in zip(frame.planes, converter.frame.planes, strict=True):
            assert np.array_equal(plane_view(one), plane_view(other))


def test_coloured_words_become_fine_in_two_frames_and_then_nothing_is_left() -> None:
    stage = Stage(VideoFormat.H264_444)
    source = stage.scroll()
    stage.encode(Quality.BETTER)
    better = rgb_decibels(stage.decoded, source)
    assert better.luma >= 45 and min(better) >= 38
    stage.encode(Quality.FINE)
    assert as_sharp_as_can_be(stage.decoded[..., 2::-1], source[..., 2::-1], EVERYWHERE, 50)
    sizes = [len(stage.encode(Quality.FINE).data) for _ in range(4)]
    assert min(sizes) < FULL.max_bitrate / MAX_FRAME_RATE / 8 / 2


@pytest.mark.parametrize(("format_", "lowest"), [(VideoFormat.H264, 43), (VideoFormat.VP8, 34)])
def test_luma_becomes_fine_with_every_codec(format_: VideoFormat, lowest: float) -> None:
    stage = Stage(format_)
    source = stage.scroll(5)
    moving = rgb_decibels(stage.decoded, source).luma
    for quality in (Quality.BETTER, Quality.FINE):
        stage.encode(quality)
    # Coloured edges take some luma with them in 4:2:0, at any bit rate.
    assert rgb_decibels(stage.decoded, source).luma > max(
        moving + (3 if format_ is VideoFormat.H264 else 5), lowest
    )


def test_refining_keeps_to_the_layers_bit_rate() -> None:
    stage = Stage(VideoFormat.H264_444, REDUCED)
    stage.scroll()
    total = sum(len(stage.encode(Quality.FINE).data) for _ in range(30))
    # A second's worth at once, and half a second's of frames.
    assert total < REDUCED.max_bitrate / 8 * 1.6


def test_stream_tells_its_profile_range_and_matrix() -> None:
    stage = Stage(VideoFormat.H264_444)
    data = stage.encode(Quality.MOTION).data
    sps = next(unit for unit in data.split(b"\0\0\1") if unit[0] & 0x1F == 7)
    assert sps[1] == PROFILE_HIGH_444
    (frame,) = Decoder(VideoFormat.H264_444).decode(EncodedFrame(VideoFormat.H264_444, 0, True, data))
    assert frame.format.name in ("yuv444p", "yuvj444p")
    assert (frame.color_range, frame.colorspace) == (FULL_RANGE, SMPTE170M)
    assert (frame.color_primaries, frame.color_trc) == (SMPTE170M, SMPTE170M)


def test_limited_range_is_told_where_it_was_made() -> None:
    converter = FrameConverter(64, 64, full_chroma=True, full_chroma_backend=LibyuvFullChromaBackend())
    made = VideoEncoder(VideoFormat.H264_444, converter.frame).encode(1)
    (frame,) = Decoder(VideoFormat.H264_444).decode(made)
    assert (frame.color_range, frame.colorspace) == (LIMITED_RANGE, SMPTE170M)
