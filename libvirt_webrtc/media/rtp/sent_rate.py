"""How much one viewer was sent lately."""

from collections import deque

WINDOW_S = 1.0
"""The time, in seconds, over which the rate is the mean: long enough to hold some frames of a slow guest, short enough
to follow a scroll that ends."""


class SentRate:
    """Bits per second over the last :data:`WINDOW_S`. Times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._sent: deque[tuple[float, int]] = deque()
        self._bytes = 0

    @property
    def bps(self) -> float:
        """As of the last call of :meth:`advance`."""
        return self._bytes * 8 / WINDOW_S

    def add(self, now: float, size: int) -> None:
        """``size`` bytes have left."""
        self._sent.append((now, size))
        self._bytes += size

    def advance(self, now: float) -> None:
        """Forget what has left the window."""
        while self._sent and self._sent[0][0] <= now - WINDOW_S:
            self._bytes -= self._sent.popleft()[1]
