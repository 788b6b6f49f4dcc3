"""How fast packets may leave: pure arithmetic, without a clock or a loop."""

BURST_BYTES = 12_000
"""How many bytes leave at once after a pause: a small frame is never delayed."""
BURST_S = 0.005
"""How many seconds of the rate leave at once on a fast path, where that is more than :data:`BURST_BYTES`: an event loop
that wakes late makes up for that much."""
TICK_S = 0.002
"""How many seconds packets wait at least for the next burst: a finer timer costs more CPU than it smoothes."""

_PACKET_BYTES = 1_500


class Pacer:
    """A token bucket of bytes. All times are seconds of any monotonic clock; rates are bits per second."""

    def __init__(self, now: float) -> None:
        self._tokens = float(BURST_BYTES)
        self._bytes_per_second = 0.0
        self._at = now

    def refill(self, now: float, bits_per_second: int) -> None:
        """Bring the bucket up to date; to be called before the other methods, each time.

        Args:
            bits_per_second: what the path may be given from now on.
        """
        self._bytes_per_second = bits_per_second / 8
        depth = max(BURST_BYTES, self._bytes_per_second * BURST_S)
        self._tokens = min(depth, self._tokens + (now - self._at) * self._bytes_per_second)
        self._at = now

    def take(self, size: int) -> bool:
        """Return whether a packet of ``size`` bytes may leave now, and count it if so."""
        if size > self._tokens:
            return False
        self._tokens -= size
        return True

    def spend(self, size: int) -> None:
        """Count a packet that has left without asking; the others wait longer for it."""
        self._tokens -= size

    def wait_s(self) -> float:
        """Seconds until the next burst may leave."""
        burst = max(_PACKET_BYTES, self._bytes_per_second * TICK_S)
        return max(TICK_S, (burst - self._tokens) / self._bytes_per_second)

    def drain_s(self, size: int) -> float:
        """Seconds until ``size`` bytes that wait now have left."""
        return max(size - self._tokens, 0) / self._bytes_per_second
