"""H.264 by libx264."""

from av.video.codeccontext import VideoCodecContext

from libvirt_webrtc.media.context import cores, new_context
from libvirt_webrtc.media.convert import LIMITED_RANGE, SMPTE170M
from libvirt_webrtc.media.formats import Layer

_CRF = 23
_SLICE_PIXELS = 2_500_000


def context(width: int, height: int, layer: Layer) -> VideoCodecContext:
    """Constrained baseline, Annex B, parameter sets at every keyframe, and the level that the size needs."""
    context = new_context("libx264", width, height)
    # BT.601 as it is, or decoders guess BT.709 for large pictures and show wrong colours.
    context.colorspace = context.color_primaries = context.color_trc = SMPTE170M
    context.color_range = LIMITED_RANGE
    # zerolatency cuts a frame into one slice per thread: less delay for more CPU and bits, so only where a
    # single thread is too slow.
    context.thread_count = min(cores(), 4) if width * height > _SLICE_PIXELS else 1
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "crf": str(_CRF),
        "maxrate": str(layer.max_bitrate),
        "bufsize": str(layer.max_bitrate),
        "forced-idr": "1",
    }
    return context
