"""How coarse a frame must be for its stream to keep to a bit rate: pure, without a clock."""

import math
from enum import Enum

_SHARE = 0.5
"""What part of the bytes that may be sent at once one frame may take: the next one follows soon."""
KEYFRAME_S = 0.15
"""How many seconds of the bit rate a keyframe may take at most: somebody waits for it, and the next frames refine
it."""
STEPS_TO_HALVE = 6
"""How many steps of H.264's quantizer make a frame about half as large."""


class Kind(Enum):
    """What a frame is for.

    The value is how many bytes a macroblock of the first such frame is taken to need at quantizer 0.
    """

    KEYFRAME = 400.0
    MOTION = 100.0
    REFINEMENT = 50.0
    """The picture has not changed since the last frame."""


class RateControl:
    """A bucket of bytes that fills at the bit rate, and an estimate of the size that a frame will have.

    A frame is taken to need as many bytes for each of its macroblocks as the last one of its kind; where much more is
    in motion than before, as many as the last keyframe.

    Args:
        max_bitrate: bits per second.
        burst_s: how many seconds of that may be sent at once, after less for a while.
        coarsest: the highest quantizer that the encoder takes.
    """

    def __init__(self, max_bitrate: int, burst_s: float, coarsest: int) -> None:
        self._coarsest = coarsest
        self._rate = max_bitrate / 8
        self._capacity = self._level = self._rate * burst_s
        self._at = 0.0
        self._density = {kind: kind.value for kind in Kind}
        self._moving = 0
        """How many macroblocks the last frame with motion had to encode."""

    def quantizer(self, kind: Kind, wanted: int, macroblocks: int, now: float) -> int:
        """Choose the quantizer of the next frame: ``wanted``, or a coarser one.

        Args:
            macroblocks: how many of the frame's macroblocks there are to encode.
            now: seconds of any clock, the same one in every call.
        """
        self._level = min(self._level + max(now - self._at, 0.0) * self._rate, self._capacity)
        self._at = now
        density = self._density[kind]
        if kind is Kind.MOTION and macroblocks > 2 * self._moving:
            density = max(density, self._density[Kind.KEYFRAME])
        expected, allowed = macroblocks * density, max(self._level * _SHARE, 1.0)
        if kind is Kind.KEYFRAME:
            allowed = min(allowed, self._rate * KEYFRAME_S)
        if expected <= allowed:
            return wanted
        needed = math.ceil(STEPS_TO_HALVE * math.log2(expected / allowed))
        return max(wanted, min(needed, self._coarsest))

    def encoded(self, kind: Kind, quantizer: int, macroblocks: int, size: int) -> None:
        """The frame that was asked about last became ``size`` bytes."""
        self._level -= size
        self._density[kind] = size * 2 ** (quantizer / STEPS_TO_HALVE) / max(macroblocks, 1)
        if kind is Kind.MOTION:
            self._moving = macroblocks
