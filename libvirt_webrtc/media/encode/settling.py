"""How a picture that stands still is refined: by which frames, how many, and how soon one after the other. Pure."""

from dataclasses import dataclass

from libvirt_webrtc.media.formats import FULL, Layer, VideoFormat, macroblocks

_FINE_MACROBLOCKS = 25_000
"""The largest picture, in macroblocks, whose finest frame by libvpx still arrives in time in the full layer: dense text
takes about 100 bytes a macroblock, which is a second of the layer's rate."""


@dataclass(frozen=True, slots=True)
class Settling:
    """How one rendition refines a picture that does not change."""

    frames: int
    """After how many frames refining ends at the latest."""
    interval_s: float
    """The time, in seconds, between these frames."""
    small_in_a_row: int
    """How many small frames in a row end the refining after a large change: one alone may have been short of bits."""
    by_quality: bool = True
    """Whether these frames are asked for in a finer quality; else the rate control makes them finer by itself."""


X264 = Settling(frames=16, interval_s=1 / 30, small_in_a_row=3)
"""libx264 keeps to its rate in every quality. The interval is twice that of the highest frame rate, so that a change
finds the encoder idle."""
LIBVPX = Settling(frames=2, interval_s=1 / 30, small_in_a_row=3)
"""One frame that is better, one that is fine: libvpx finds as much to send in each further one."""
LIBVPX_BY_RATE = Settling(frames=24, interval_s=1 / 15, small_in_a_row=24, by_quality=False)
"""libvpx's regions of interest do not count for its rate control: a fine frame of 1080p text takes 0.8 MB, 1.6 s of the
reduced layer. Left to itself, the rate control refines the picture too, in some 20 frames, with small ones among them:
from 31 dB of luma to 40 dB in half a second, to 43 dB in 1.5 s."""


def settling(format_: VideoFormat, layer: Layer, width: int, height: int) -> Settling:
    """How a rendition of this format, layer and encoded size refines."""
    if format_.codec == "H264":
        return X264
    fine = layer is FULL and macroblocks(width, height) <= _FINE_MACROBLOCKS
    return LIBVPX if fine else LIBVPX_BY_RATE
