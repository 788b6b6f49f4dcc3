"""How fast frames flow: rates over the last second, without a clock or a loop."""

from collections import deque
from dataclasses import dataclass

WINDOW_S = 1.0


@dataclass(frozen=True, slots=True)
class Rates:
    """What flowed within the last second; the times are means over it, or the last frame's where it was quiet."""

    fps: float = 0.0
    bits_per_second: float = 0.0
    encode_ms: float = 0.0
    """Converting and encoding a frame, wall time."""
    delay_ms: float = 0.0
    """From the guest's change, as we hear of it, to the packets that show it."""


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    size: int
    encode_s: float
    delay_s: float


class Meter:
    """Counts what one stream of frames did lately. Times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque()

    def add(self, now: float, size: int, *, encode_s: float = 0.0, delay_s: float = 0.0) -> None:
        """A frame of ``size`` bytes went by."""
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
        """All but the last one, once they are older than the window."""
        while len(self._samples) > 1 and self._samples[0].at <= now - WINDOW_S:
            self._samples.popleft()
