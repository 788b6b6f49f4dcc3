"""AV1 by SVT-AV1 in its real-time mode."""

import os

from av.video.codeccontext import VideoCodecContext

from libvirt_webrtc.media.context import cores, new_context
from libvirt_webrtc.media.formats import Layer

_PRESET = 12
_BEST_QUANTIZER = 8
_THREAD_PIXELS = 1280 * 720

# The library would write its settings to standard error with every stream, past our logging.
os.environ.setdefault("SVT_LOG", "-1")


def context(width: int, height: int, layer: Layer) -> VideoCodecContext:
    """Main profile, low delay, screen content.

    SVT-AV1 takes no cap beside a quality target in this mode: so a rate, and the quantizer that it need not beat.
    """
    context = new_context("libsvtav1", width, height)
    parameters = {
        "rtc": 1,
        "pred-struct": 1,
        "lookahead": 0,
        "rc": 2,
        "tbr": layer.max_bitrate // 1000,
        "min-qp": _BEST_QUANTIZER,
        # Palettes and copies within a picture, always: found by itself (2), it missed a coloured terminal.
        "scm": 1,
        "lp": min(cores(), 4) if width * height > _THREAD_PIXELS else 1,
    }
    context.options = {
        "preset": str(_PRESET),
        "svtav1-params": ":".join(f"{name}={value}" for name, value in parameters.items()),
    }
    return context
