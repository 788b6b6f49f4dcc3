"""Rates of a stream of frames over the last second: pure, without a clock or a loop."""

from collections import deque
from dataclasses import dataclass

WINDOW_S = 1.0
"""The time, in seconds, over which frames are counted."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What was encoded within the last second.

    The times are means over that second, or the last frame's where there was none.
    """

    fps: float = 0.0
    bits_per_second: float = 0.0
    encode_ms: float = 0.0
    """Wall time of converting, encoding and cutting a frame."""
    delay_ms: float = 0.0
    """Time from hearing of the guest's change to having the payloads that show it."""


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    size: int
    encode_s: float
    delay_s: float


class Meter:
    """Keeps the frames of the last second. Times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque()

    def add(self, now: float, size: int, *, encode_s: float = 0.0, delay_s: float = 0.0) -> None:
        """A frame of ``size`` bytes was made."""
        self._forget(now)
        self._samples.append(_Sample(now, size, encode_s, delay_s))

    def rates(self, now: float) -> Rates:
        self._forget(now)
        if not self._samples:
            return Rates()
        count = len(self._samples)
        recent = [sample for sample in self._samples if sample.at > now - WINDOW_S]
        return Rates(
            fps=len(recent) / WINDOW_S,
            bits_per_second=8 * sum(sample.size for sample in recent) / WINDOW_S,
            encode_ms=1000 * sum(sample.encode_s for sample in self._samples) / count,
            delay_ms=1000 * sum(sample.delay_s for sample in self._samples) / count,
        )

    def _forget(self, now: float) -> None:
        """Forget frames that are older than the window, but keep the last one."""
        while len(self._samples) > 1 and self._samples[0].at <= now - WINDOW_S:
            self._samples.popleft()
