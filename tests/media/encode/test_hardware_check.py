"""The test that hardware has to pass, taken by software."""

import glob
from typing import Any

import av
import pytest

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.convert.yuv import plane_view
from libvirt_webrtc.media.encode import hardware_check as probe
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.formats import VideoFormat

FORMATS = [VideoFormat.H264, VideoFormat.H264_444]


@pytest.mark.parametrize("format_", FORMATS)
def test_software_passes(format_: VideoFormat) -> None:
    probe.check(format_, None)


class Green(VideoEncoder):
    """Loses the colours, as drivers do."""

    def __init__(self, format_: VideoFormat, frame: av.VideoFrame, **options: Any) -> None:
        self._source, self._green = frame, av.VideoFrame(frame.width, frame.height, frame.format.name)
        for plane in self._green.planes[1:]:
            plane_view(plane)[:] = 0
        super().__init__(format_, self._green, **options)

    def encode(self, timestamp: int, **options: Any) -> EncodedFrame:
        plane_view(self._green.planes[0])[:] = plane_view(self._source.planes[0])
        return super().encode(timestamp, **options)


class Deaf(VideoEncoder):
    """Makes no keyframe when asked to."""

    def encode(self, timestamp: int, **options: Any) -> EncodedFrame:
        return super().encode(timestamp)


class Eager(VideoEncoder):
    """Makes a keyframe of everything."""

    def encode(self, timestamp: int, **options: Any) -> EncodedFrame:
        return super().encode(timestamp, keyframe=True)


@pytest.mark.parametrize(
    ("encoder", "complaint"),
    [
        (Green, "frame 0 is another picture"),
        (Deaf, "frame 3 is not a keyframe"),
        (Eager, "frame 1 is a keyframe"),
    ],
)
@pytest.mark.parametrize("format_", FORMATS)
def test_a_faulty_encoder_is_found_out(
    monkeypatch: pytest.MonkeyPatch, format_: VideoFormat, encoder: type[VideoEncoder], complaint: str
) -> None:
    monkeypatch.setattr(probe, "VideoEncoder", encoder)
    with pytest.raises(MediaError, match=complaint):
        probe.check(format_, None)


@pytest.mark.skipif(bool(glob.glob("/dev/nvidia*")), reason="here is such hardware")
def test_each_format_is_answered_for(capsys: pytest.CaptureFixture[str]) -> None:
    probe.main("h264_nvenc")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["unusable", "H264"], ["unusable", "H264_444"]]
