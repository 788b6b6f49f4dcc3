"""Sent packets, for viewers that lost some."""

from collections.abc import Sequence

HISTORY_PACKETS = 512
"""Kept for each viewer: a keyframe of 600 kB. The payloads are shared."""
BUDGET_SHARE = 0.5
"""Of what the path carries, so much may go into packets sent again:"""
BUDGET_BYTES = 30_000
"""and after a pause this much at once. So no flood of NACKs makes more than that of answers."""
REPEAT_S = 0.01
"""The same packet is not sent again sooner, or within a round trip: the last copy is still on its way."""


class History:
    """The last packets of one stream, and the budget for sending them again. Times are as of :class:`Pacer`."""

    def __init__(self, now: float) -> None:
        self._packets: list[tuple[int, bytes, bytes] | None] = [None] * HISTORY_PACKETS
        self._not_before = [now] * HISTORY_PACKETS
        self._missed: set[int] = set()
        self._budget = float(BUDGET_BYTES)
        self._at = now

    def add(self, sequence: int, header: bytes, payload: bytes) -> None:
        """This packet was sent for the first time."""
        slot = sequence % HISTORY_PACKETS
        self._packets[slot] = sequence, header, payload
        self._not_before[slot] = 0.0
        self._missed.discard(slot)

    def forget(self) -> None:
        """A keyframe follows: nothing from before it is of use, or worth the budget."""
        self._packets = [None] * HISTORY_PACKETS
        self._missed.clear()

    def miss(self, sequences: Sequence[int]) -> int:
        """The viewer misses these packets; how many of them it had not missed before."""
        slots = {sequence % HISTORY_PACKETS for sequence in sequences if self._knows(sequence)}
        new = len(slots - self._missed)
        self._missed |= slots
        return new

    def refill(self, now: float, bits_per_second: int) -> None:
        """Bring the budget up to date, at what the path carries."""
        gained = (now - self._at) * bits_per_second / 8 * BUDGET_SHARE
        self._budget = min(BUDGET_BYTES, self._budget + gained)
        self._at = now

    def take(self, now: float, sequence: int, round_trip_s: float) -> tuple[bytes, bytes] | None:
        """Header and payload to send again; None if they are gone, were sent just now, or the budget is spent."""
        slot = sequence % HISTORY_PACKETS
        packet = self._packets[slot]
        if packet is None or packet[0] != sequence or now < self._not_before[slot]:
            return None
        _, header, payload = packet
        size = len(header) + len(payload)
        if size > self._budget:
            return None
        self._budget -= size
        self._not_before[slot] = now + max(REPEAT_S, round_trip_s)
        return header, payload

    def _knows(self, sequence: int) -> bool:
        packet = self._packets[sequence % HISTORY_PACKETS]
        return packet is not None and packet[0] == sequence
