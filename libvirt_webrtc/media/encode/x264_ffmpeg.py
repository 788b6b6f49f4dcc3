"""H.264 by libx264 through FFmpeg, whose rate control looks ahead: for layers that are short of bits."""

from av.video.codeccontext import VideoCodecContext

from libvirt_webrtc.media.encode.context import new_context, slice_threads
from libvirt_webrtc.media.encode.x264 import CHROMA_444, FINEST_QP, FINEST_QP_444, SEARCH
from libvirt_webrtc.media.formats import Layer

_CRF = 23
"""The quality that is aimed for, 0 to 51, as libx264 has it by itself."""


def context(width: int, height: int, layer: Layer) -> VideoCodecContext:
    """Constrained baseline, Annex B, parameter sets at every keyframe, and the level that the size needs."""
    context = _context(width, height, layer, "yuv420p", SEARCH)
    context.qmin = FINEST_QP
    context.options["profile"] = "baseline"
    return context


def context_444(width: int, height: int, layer: Layer) -> VideoCodecContext:
    """High 4:4:4 Predictive, otherwise as :func:`context`."""
    context = _context(width, height, layer, "yuv444p", SEARCH | CHROMA_444)
    context.qmin = FINEST_QP_444
    return context


def _context(
    width: int, height: int, layer: Layer, pix_fmt: str, params: dict[str, str]
) -> VideoCodecContext:
    context = new_context("libx264", width, height, pix_fmt=pix_fmt)
    context.thread_count = slice_threads(width, height)
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "crf": str(_CRF),
        "maxrate": str(layer.max_bitrate),
        "bufsize": str(int(layer.max_bitrate * layer.burst_s)),
        "forced-idr": "1",
        # Regions of interest (refine.py) need adaptive quantization; this is the least of it.
        "aq-mode": "1",
        "aq-strength": "0.01",
        "x264-params": ":".join(f"{name}={value}" for name, value in params.items()),
    }
    return context
