"""Which layer a viewer gets: pure policy over what its path carries."""

from libvirt_webrtc.media.formats import LAYERS, Layer

UP_MARGIN = 1.25
"""A better layer is tried when the path carries what it needs and a quarter more."""
UP_INTERVAL_S = 2.0
PENALTY_S = 10.0
"""No better layer within this time of one that failed; doubles each time it fails soon again."""
PENALTY_MAX_S = 120.0

KEYFRAMES_AT_ONCE = 5
KEYFRAME_REFILL_S = 2.0
"""A viewer that needs more keyframes than this is moved to a cheaper layer, away from the others it would disturb."""


class LayerChoice:
    """One viewer's layer, from the best down; ``now`` is seconds of any monotonic clock."""

    def __init__(self) -> None:
        self.reason = "full quality"
        """Why this layer, for people."""
        self._index = 0
        self._raised_at = self._not_before = float("-inf")
        self._penalty_s = PENALTY_S

    @property
    def layer(self) -> Layer:
        return LAYERS[self._index]

    def update(self, now: float, target_bps: int) -> Layer:
        """The layer for a path that carries ``target_bps``: down at once, up one at a time."""
        before = self._index
        while self._index + 1 < len(LAYERS) and target_bps < self.layer.needs_bps:
            self._index += 1
        if self._index > before:
            self._not_before = max(self._not_before, now + UP_INTERVAL_S)
        elif before and now >= self._not_before and target_bps >= LAYERS[before - 1].needs_bps * UP_MARGIN:
            self._index -= 1
            self._raised_at = now
            self._not_before = now + UP_INTERVAL_S
        if self._index == 0:
            self.reason = "full quality"
        elif self._index != before:
            self.reason = f"the connection carries about {target_bps / 1e6:.1f} Mbit/s"
        return self.layer

    def fail(self, now: float, reason: str) -> Layer:
        """The layer does not reach the viewer, whatever its path is said to carry: the next cheaper one."""
        soon = now - self._raised_at < 2 * self._penalty_s
        self._penalty_s = min(2 * self._penalty_s, PENALTY_MAX_S) if soon else PENALTY_S
        self._not_before = now + self._penalty_s
        if self._index + 1 < len(LAYERS):
            self._index += 1
        self.reason = reason
        return self.layer


class KeyframeAllowance:
    """How many keyframes one viewer may cause."""

    def __init__(self) -> None:
        self._left = float(KEYFRAMES_AT_ONCE)
        self._updated: float | None = None

    def take(self, now: float) -> bool:
        """Take one, if there is one left."""
        if self._updated is not None:
            earned = (now - self._updated) / KEYFRAME_REFILL_S
            self._left = min(self._left + earned, float(KEYFRAMES_AT_ONCE))
        self._updated = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
