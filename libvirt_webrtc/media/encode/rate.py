"""How coarse a frame must be to keep to a bit rate: pure, without a clock."""

import math
from enum import Enum

_SHARE = 0.5
"""Of what may be sent at once, so much for one frame: the next one is soon."""
KEYFRAME_S = 0.15
"""And a keyframe, so much of the bit rate: somebody waits for it, and what it lacks the next frames bring."""
STEPS_TO_HALVE = 6
"""So many steps of H.264's quantizer make a frame about half as large."""


class Kind(Enum):
    """What a frame is, and the bytes at quantizer 0 that each macroblock of the first such frame is thought to need."""

    KEYFRAME = 400.0
    MOTION = 100.0
    REFINEMENT = 50.0
    """Of a picture that has not changed since the last frame."""


class RateControl:
    """A bucket that fills at the bit rate, and the size that a frame is likely to have.

    A frame is taken to need as many bytes for each of its macroblocks as the last one of its kind; where much more is
    in motion than before, as many as the last keyframe.

    Args:
        max_bitrate: bits per second.
        burst_s: so much of it at once, after less for a while.
        coarsest: the highest quantizer that there is.
    """

    def __init__(self, max_bitrate: int, burst_s: float, coarsest: int) -> None:
        self._coarsest = coarsest
        self._rate = max_bitrate / 8
        self._capacity = self._level = self._rate * burst_s
        self._at = 0.0
        self._density = {kind: kind.value for kind in Kind}
        self._moving = 0
        """Macroblocks that were in motion."""

    def quantizer(self, kind: Kind, wanted: int, macroblocks: int, now: float) -> int:
        """The quantizer for the next frame: ``wanted``, or a coarser one.

        Args:
            macroblocks: how many there are to encode.
            now: seconds of a clock that the frames have in common.
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
        """That frame became ``size`` bytes."""
        self._level -= size
        self._density[kind] = size * 2 ** (quantizer / STEPS_TO_HALVE) / max(macroblocks, 1)
        if kind is Kind.MOTION:
            self._moving = macroblocks
