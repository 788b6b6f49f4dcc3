"""VP9 by libvpx: its settings."""

from av.video.codeccontext import VideoCodecContext

from libvirt_webrtc.media.encode.context import libvpx_threads, new_context
from libvirt_webrtc.media.encode.libvpx import rate_options
from libvirt_webrtc.media.formats import Layer

_CRF = 20
"""The quality that is aimed for, 0 to 63: text is sharp at this value, and noise does not fill the layer."""
_THREAD_PIXELS = 1280 * 720
"""The largest picture, in pixels, that one thread encodes in time."""


def context(width: int, height: int, layer: Layer) -> VideoCodecContext:
    """Profile 0 (4:2:0) at a constant quality within the layer's rate, for screen content, without delay."""
    return _context(width, height, layer, "yuv420p")


def context_444(width: int, height: int, layer: Layer) -> VideoCodecContext:
    """Profile 1 (4:4:4), otherwise as :func:`context`."""
    return _context(width, height, layer, "yuv444p")


def _context(width: int, height: int, layer: Layer, pix_fmt: str) -> VideoCodecContext:
    context = new_context("libvpx-vp9", width, height, pix_fmt=pix_fmt)
    context.bit_rate = layer.max_bitrate
    context.qmin, context.qmax = 2, 63
    context.thread_count = libvpx_threads(width, height, from_pixels=_THREAD_PIXELS)
    context.options = {
        "deadline": "realtime",
        # At 7, keyframes are a third smaller and 4 dB better, but motion costs a third more CPU.
        "cpu-used": "8",
        "lag-in-frames": "0",
        "tune-content": "screen",
        "row-mt": "1",
        "tile-columns": "2",
        "crf": str(_CRF),
        **rate_options(layer),
    }
    return context
