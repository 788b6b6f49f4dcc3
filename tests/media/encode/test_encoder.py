"""The encoders' own bitstreams, read back."""

import av
import numpy as np
import pytest

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.formats import VideoFormat
from tests.media.encoding import Source
from tests.media.helpers import Decoder, picture, psnr

NAL_IDR, NAL_SPS, NAL_PPS = 5, 7, 8


def nal_units(packet: EncodedFrame) -> list[bytes]:
    return [part for part in packet.data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if part]


def nal_types(packet: EncodedFrame) -> list[int]:
    return [unit[0] & 0x1F for unit in nal_units(packet)]


@pytest.mark.parametrize("codec", VideoFormat)
def test_decoded_picture_is_the_source(codec: VideoFormat) -> None:
    source, decoder = Source(codec, 640, 480), Decoder(codec)
    assert psnr(decoder.pixels(source.encode(picture(640, 480))), picture(640, 480)) > 32
    moved = picture(640, 480, seed=1)
    assert psnr(decoder.pixels(source.encode(moved)), moved) > 30


@pytest.mark.parametrize("codec", VideoFormat)
def test_keyframes_come_only_when_asked_for(codec: VideoFormat) -> None:
    source = Source(codec, 320, 240)
    keys = [source.encode(picture(320, 240, seed=n), keyframe=n == 20).keyframe for n in range(40)]
    assert [n for n, key in enumerate(keys) if key] == [0, 20]


def test_each_keyframe_carries_its_parameter_sets() -> None:
    source = Source(VideoFormat.H264, 320, 240)
    for n in (0, 1):
        types = nal_types(source.encode(picture(320, 240, seed=n), keyframe=True))
        assert {NAL_SPS, NAL_PPS, NAL_IDR} <= set(types)


def test_stream_is_constrained_baseline_in_bt601() -> None:
    packet = Source(VideoFormat.H264, 640, 480).encode(picture(640, 480))
    sps = next(unit for unit in nal_units(packet) if unit[0] & 0x1F == NAL_SPS)
    profile, constraints = sps[1], sps[2]
    assert profile == 66 and constraints & 0x40
    (frame,) = Decoder(VideoFormat.H264).decode(packet)
    assert (frame.colorspace, frame.color_range) == (6, 1)


@pytest.mark.parametrize(
    ("width", "height", "lowest"), [(640, 480, 30), (1920, 1080, 42), (3840, 2160, 52), (4096, 2160, 52)]
)
def test_level_fits_size_and_rate(width: int, height: int, lowest: int) -> None:
    """Levels of H.264's table A-1 at 60 frames per second."""
    packet = Source(VideoFormat.H264, width, height).encode(np.zeros((height, width, 4), np.uint8))
    sps = next(unit for unit in nal_units(packet) if unit[0] & 0x1F == NAL_SPS)
    assert sps[3] >= lowest
    assert Decoder(VideoFormat.H264).decode(packet)[0].width == width


@pytest.mark.parametrize("codec", VideoFormat)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 1), (16, 9), (1367, 769)])
def test_every_size_is_encoded(codec: VideoFormat, width: int, height: int) -> None:
    source = Source(codec, width, height)
    (frame,) = Decoder(codec).decode(source.encode(picture(width, height)))
    assert (frame.width, frame.height) == (width + width % 2, height + height % 2)


def test_largest_picture_is_encoded() -> None:
    packet = Source(VideoFormat.H264, 8192, 8192).encode(np.zeros((8192, 8192, 4), np.uint8))
    assert NAL_IDR in nal_types(packet)


def test_still_picture_becomes_next_to_nothing() -> None:
    source = Source(VideoFormat.H264, 640, 480)
    still = picture(640, 480)
    packets = [source.encode(still) for _ in range(30)]
    assert len(packets[-1].data) < 640 * 480 / 1000


@pytest.mark.parametrize("codec", VideoFormat)
def test_unusable_size_is_a_media_error(codec: VideoFormat) -> None:
    with pytest.raises(MediaError):
        VideoEncoder(codec, av.VideoFrame(100_000, 2, "yuv444p" if codec.full_chroma else "yuv420p"))
