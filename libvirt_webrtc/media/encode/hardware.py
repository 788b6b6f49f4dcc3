"""H.264 by a graphics card or a video engine: the encoders that PyAV may have, and their settings.

All must make what :mod:`libvirt_webrtc.media.encode.x264` makes: constrained baseline (or High 4:4:4 Predictive),
parameter sets at every keyframe, one packet for each frame, without delay. Whether one does so on this host is found
out by :mod:`libvirt_webrtc.media.encode.hardware_check`.
"""

from dataclasses import dataclass, field, replace

from av.video.codeccontext import VideoCodecContext

from libvirt_webrtc.media.encode.context import new_context
from libvirt_webrtc.media.formats import Layer, VideoFormat


@dataclass(frozen=True, slots=True)
class Hardware:
    """One kind of hardware encoder, and its settings."""

    name: str
    """As FFmpeg names it."""
    format: VideoFormat
    pix_fmt: str
    """The layout of the pictures that it takes; PyAV repacks pictures of another layout."""
    options: dict[str, str] = field(default_factory=dict)

    def context(self, width: int, height: int, layer: Layer) -> VideoCodecContext:
        """The encoder, not open yet, with a target for its quality and the layer's bit rate as the limit."""
        context = new_context(self.name, width, height, pix_fmt=self.pix_fmt)
        context.bit_rate = layer.max_bitrate
        rate = str(layer.max_bitrate)
        context.options = {"bf": "0", "maxrate": rate, "bufsize": rate, **self.options}
        return context


NVENC = Hardware(
    "h264_nvenc",
    VideoFormat.H264,
    "yuv420p",
    {
        "preset": "p2",
        "tune": "ull",
        "profile": "baseline",
        "rc": "vbr",
        "cq": "19",
        "delay": "0",
        "zerolatency": "1",
        "forced-idr": "1",
    },
)
NVENC_444 = replace(
    NVENC,
    format=VideoFormat.H264_444,
    pix_fmt="yuv444p",
    options={**NVENC.options, "profile": "high444p"},
)
QSV = Hardware(
    "h264_qsv",
    VideoFormat.H264,
    "nv12",
    {
        "preset": "veryfast",
        "profile": "baseline",
        "global_quality": "20",
        "scenario": "displayremoting",
        "async_depth": "1",
        "forced_idr": "1",
    },
)
AMF = Hardware(
    "h264_amf",
    VideoFormat.H264,
    "nv12",
    {
        "usage": "ultralowlatency",
        "quality": "speed",
        "profile": "constrained_baseline",
        "rc": "vbr_latency",
        "header_insertion_mode": "idr",
        "forced_idr": "1",
    },
)
V4L2 = Hardware("h264_v4l2m2m", VideoFormat.H264, "nv12")

KINDS = (NVENC, NVENC_444, QSV, AMF, V4L2)
"""All kinds that are tried, the best first."""


def kind(format_: VideoFormat, name: str) -> Hardware:
    """The entry of :data:`KINDS` for a format and FFmpeg's name. Raises KeyError."""
    return {(kind.format, kind.name): kind for kind in KINDS}[format_, name]
