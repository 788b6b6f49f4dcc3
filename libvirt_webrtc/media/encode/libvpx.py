"""How VP8 and VP9 by libvpx keep to a layer's rate: options that both take, and the clock that both are given."""

from libvirt_webrtc.media.encode.rate import KEYFRAME_S
from libvirt_webrtc.media.formats import CLOCK_RATE, Layer

_BUFFER_S = 0.5
"""How many seconds of the rate libvpx takes the receiver to buffer: what it may be late after a large change. By
itself it takes 6 s."""
_KEYFRAME_PERCENT = 250
"""The largest keyframe, as a percentage of a frame's share of the rate; at :data:`MAX_GAP` that is
:data:`~libvirt_webrtc.media.encode.rate.KEYFRAME_S` of the rate."""

MAX_GAP = CLOCK_RATE // 15
"""The longest time between two frames that libvpx is told, in ticks of RTP's clock. It gives a frame what the rate
allows for the time since the one before: after a still minute, a keyframe would be as large as its quality asks for."""


def rate_options(layer: Layer) -> dict[str, str]:
    """FFmpeg's options that hold each frame, and a keyframe above all, to what ``layer`` can carry soon.

    Without them a keyframe of 1080p text had 560 kB in the reduced layer, more than a second of its rate: viewers were
    taken for too slow, and moved to the half-sized layer, where the same happened.
    """
    return {
        "bufsize": str(int(layer.max_bitrate * _BUFFER_S)),
        # The first keyframe takes half of it.
        "rc_init_occupancy": str(int(layer.max_bitrate * 2 * KEYFRAME_S)),
        "max-intra-rate": str(_KEYFRAME_PERCENT),
    }
