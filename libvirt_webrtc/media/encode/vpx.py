"""VP8 by libvpx: its settings."""

from av.video.codeccontext import VideoCodecContext

from libvirt_webrtc.media.encode.context import libvpx_threads, new_context
from libvirt_webrtc.media.encode.libvpx import rate_options
from libvirt_webrtc.media.formats import Layer

_CRF = 10
"""The quality that is aimed for, 0 to 63: text is sharp at this value, and noise does not fill the layer."""
_THREAD_PIXELS = 640 * 480
"""The largest picture, in pixels, that one thread encodes in time."""


def context(width: int, height: int, layer: Layer) -> VideoCodecContext:
    """VP8 at a constant quality within the layer's rate, without delay."""
    context = new_context("libvpx", width, height)
    context.bit_rate = layer.max_bitrate
    context.qmin, context.qmax = 2, 56
    context.thread_count = libvpx_threads(width, height, from_pixels=_THREAD_PIXELS)
    context.options = {
        "deadline": "realtime",
        "cpu-used": "-6",
        "lag-in-frames": "0",
        "static-thresh": "1",
        # With a bit rate this means constrained quality. At a constant rate, text stayed 20 dB worse after scrolling.
        "crf": str(_CRF),
        **rate_options(layer),
    }
    return context
