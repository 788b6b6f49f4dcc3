"""What a console's video may be sent as: the formats that viewers negotiate, and the layers that they move between."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

CLOCK_RATE = 90_000
"""Ticks per second of a video timestamp in RTP."""

MAX_FRAME_RATE = 60
"""Frames per second at most; x264 computes the stream's level from it."""


_H264_MACROBLOCKS = 36_864
"""Of level 5.2, 4096x2304: libwebrtc drops larger pictures. Chromium 156 shows 8192x1152, and 4096x2400 not."""
_LIBVPX_MACROBLOCKS = 65_536
"""4096x4096. Browsers decode larger ones (tried up to 8192x8192), but one frame of these takes seconds of CPU."""


class VideoFormat(StrEnum):
    """A codec with its chroma sampling: what one encoder makes and a viewer's decoder accepts."""

    H264 = "H264"
    """Constrained baseline, 4:2:0."""
    H264_444 = "H264_444"
    """High 4:4:4 Predictive: colours as sharp as brightness. Chromium decodes it, Firefox does not."""
    VP8 = "VP8"
    VP9 = "VP9"
    """Profile 0, 4:2:0."""
    VP9_444 = "VP9_444"
    """Profile 1, 4:4:4. Chromium decodes it."""

    @property
    def codec(self) -> str:
        """The codec's name in SDP."""
        return self.value.removesuffix("_444")

    @property
    def max_macroblocks(self) -> int:
        """The largest picture that is sent in this format, in :func:`macroblocks`."""
        return _H264_MACROBLOCKS if self.codec == "H264" else _LIBVPX_MACROBLOCKS

    @property
    def full_chroma(self) -> bool:
        """Whether there is a colour for every pixel (4:4:4), not for every four (4:2:0)."""
        return self.value.endswith("_444")


FORMATS = {
    "h264": (VideoFormat.H264_444, VideoFormat.H264),
    "vp8": (VideoFormat.VP8,),
    "vp9": (VideoFormat.VP9_444, VideoFormat.VP9),
}
"""The formats of each codec, by the name that an operator writes, the best first."""


def formats_of(codecs: Iterable[str], *, full_chroma: bool = True) -> tuple[VideoFormat, ...]:
    """The formats of these codecs, in their order; those in 4:4:4 only with ``full_chroma``."""
    formats = (format_ for codec in codecs for format_ in FORMATS[codec])
    return tuple(format_ for format_ in formats if full_chroma or not format_.full_chroma)


DEFAULT_FORMATS = formats_of(("h264", "vp8"))
"""What viewers may be sent unless the operator says otherwise, in the order in which it is tried: other codecs cost
several times the CPU."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One quality that a console is encoded in; all viewers of a format and layer share its packets."""

    name: str
    max_bitrate: int
    """Bits per second that a stream at full frame rate stays under.

    Encoders count frames, not time: at half the frame rate it is half of this.
    """
    burst_s: float
    """How many seconds of :attr:`max_bitrate` may be sent at once, after less for a while."""
    needs_bps: int
    """What a path must carry for this layer to be worth it, in bits per second."""
    scale: int = 1
    """How many of the guest's pixels in a row become one: 2 halves width and height."""


FULL = Layer("full", max_bitrate=20_000_000, burst_s=2.0, needs_bps=6_000_000)
"""The best picture: what a viewer on a LAN gets."""
REDUCED = Layer("reduced", max_bitrate=4_000_000, burst_s=0.2, needs_bps=1_500_000)
"""Every pixel, but coarser while there is motion: for a connection to a home."""
HALF = Layer("half", max_bitrate=1_000_000, burst_s=0.3, needs_bps=0, scale=2)
"""For a connection that hardly carries a picture."""

LAYERS = (FULL, REDUCED, HALF)
"""From the best to the cheapest."""


@dataclass(frozen=True, slots=True)
class RenditionKey:
    """What one encoder makes, and what a viewer watches."""

    format: VideoFormat
    layer: Layer = FULL
    scale: int = 1
    """How many of the guest's pixels in a row become one at least."""


def macroblocks(width: int, height: int) -> int:
    """How many squares of 16 pixels a picture has, those at its edges counted whole: what decoders' limits are in."""
    return -(-width // 16) * -(-height // 16)
