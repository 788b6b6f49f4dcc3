"""H.264 by libx264."""

from av.video.codeccontext import VideoCodecContext

from libvirt_webrtc.media.context import cores, new_context
from libvirt_webrtc.media.formats import Layer

_CRF = 23
_SLICE_PIXELS = 2_500_000
_FINEST_QP = 10
_FINEST_QP_444 = 4
"""Where refining ends. With 4, coloured words at 720p have 52 dB and more in luma, red and blue; green is held to 49 by
rounding to 8-bit YUV. 10 for 4:2:0 is a guess: its colours are lost anyway."""


def context(width: int, height: int, layer: Layer) -> VideoCodecContext:
    """Constrained baseline, Annex B, parameter sets at every keyframe, and the level that the size needs."""
    context = _context(width, height, layer, "yuv420p", "me=umh")
    context.qmin = _FINEST_QP
    context.options["profile"] = "baseline"
    return context


def context_444(width: int, height: int, layer: Layer) -> VideoCodecContext:
    """High 4:4:4 Predictive, otherwise as :func:`context`."""
    # x264 takes 4:4:4 for film and makes its chroma coarser by 6 steps: in coloured text that is red and blue.
    context = _context(width, height, layer, "yuv444p", "me=umh:chroma-qp-offset=-6")
    context.qmin = _FINEST_QP_444
    return context


def _context(width: int, height: int, layer: Layer, pix_fmt: str, params: str) -> VideoCodecContext:
    context = new_context("libx264", width, height, pix_fmt=pix_fmt)
    # zerolatency cuts a frame into one slice per thread: less delay for more CPU and bits, so only where a
    # single thread is too slow.
    context.thread_count = min(cores(), 4) if width * height > _SLICE_PIXELS else 1
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "crf": str(_CRF),
        "maxrate": str(layer.max_bitrate),
        "bufsize": str(int(layer.max_bitrate * layer.burst_s)),
        "forced-idr": "1",
        # A quality that is asked for frame by frame needs adaptive quantization, if hardly any (see refine.py).
        "aq-mode": "1",
        "aq-strength": "0.01",
        # me=umh: the others can lose a scrolling text from sight: words at 720p took 25 times the bits, twice the CPU,
        # with 13 dB less. At 1280x800 and 1080p they did not, and umh made no more than an eighth of difference.
        "x264-params": params,
    }
    return context
