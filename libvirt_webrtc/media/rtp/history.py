"""The packets that one viewer was sent last, for when it misses some."""

from collections.abc import Sequence

HISTORY_PACKETS = 512
"""How many packets are kept for each viewer: a keyframe of 600 kB. The payloads are shared by all viewers, so this
costs 50 kB a viewer."""
BUDGET_SHARE = 0.5
"""What part of the path's rate packets sent again may take, so that a flood of NACKs makes no flood of answers."""
BUDGET_BYTES = 30_000
"""How many bytes of packets may be sent again at once after a pause: a lost burst of the pacer, twice."""
REPEAT_S = 0.01
"""For how many seconds at least, and for a round trip, a packet is not sent again: the last copy is still on its
way."""


class History:
    """The last packets of one stream, and a budget of bytes for sending them again. Times are seconds of any monotonic
    clock."""

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
        """Forget all packets: a keyframe follows, after which nothing from before it is of use."""
        self._packets = [None] * HISTORY_PACKETS
        self._missed.clear()

    def miss(self, sequences: Sequence[int]) -> int:
        """Note that the viewer misses these packets, and return how many of them it had not missed before."""
        slots = {sequence % HISTORY_PACKETS for sequence in sequences if self._knows(sequence)}
        new = len(slots - self._missed)
        self._missed |= slots
        return new

    def refill(self, now: float, bits_per_second: int) -> None:
        """Bring the budget up to date; ``bits_per_second`` is what the path carries."""
        gained = (now - self._at) * bits_per_second / 8 * BUDGET_SHARE
        self._budget = min(BUDGET_BYTES, self._budget + gained)
        self._at = now

    def take(self, now: float, sequence: int, round_trip_s: float) -> tuple[bytes, bytes] | None:
        """Header and payload of a packet to send again, which the budget then pays for.

        Returns:
            None where the packet is gone, was sent just now, or the budget is spent.
        """
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
