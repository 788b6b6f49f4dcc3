"""Which layer a viewer gets, and how many keyframes: pure, without a clock."""

from libvirt_webrtc.media.formats import LAYERS, Layer

UP_MARGIN = 1.25
"""How many times what a better layer needs the path must carry before that layer is tried: the margin keeps a viewer at
the limit from changing all the time."""
UP_INTERVAL_S = 2.0
"""How many seconds a layer is kept at least before a better one is tried: each change costs a keyframe."""

KEYFRAMES_AT_ONCE = 5
"""How many keyframes a viewer may cause in a row. One that needs more is moved to a cheaper layer, because all viewers
of a layer are sent its keyframes."""
KEYFRAME_REFILL_S = 2.0
"""After how many seconds a viewer may cause one more."""


class LayerChoice:
    """One viewer's layer, from the best down; ``now`` is seconds of any monotonic clock."""

    def __init__(self) -> None:
        self.reason = "full quality"
        """Why it is this layer, in words for people."""
        self._index = 0
        self._changed_at = float("-inf")

    @property
    def layer(self) -> Layer:
        return LAYERS[self._index]

    @property
    def next_needs_bps(self) -> int:
        """Bits per second that a path must carry for the next better layer; in the best one, what it makes at most."""
        if self._index == 0:
            return self.layer.max_bitrate
        return int(LAYERS[self._index - 1].needs_bps * UP_MARGIN)

    def update(self, now: float, target_bps: int) -> Layer:
        """The layer for a path that carries ``target_bps``: down at once, up one at a time."""
        before = self._index
        while self._index + 1 < len(LAYERS) and target_bps < self.layer.needs_bps:
            self._index += 1
        if self._index == before and self._index and now - self._changed_at > UP_INTERVAL_S:
            self._index -= target_bps >= self.next_needs_bps
        if self._index != before:
            self._changed_at = now
        if self._index == 0:
            self.reason = "full quality"
        else:
            self.reason = f"the connection carries about {target_bps / 1e6:.1f} Mbit/s"
        return self.layer


class KeyframeAllowance:
    """How many keyframes one viewer may cause."""

    def __init__(self) -> None:
        self._left = float(KEYFRAMES_AT_ONCE)
        self._updated: float | None = None

    def take(self, now: float) -> bool:
        """Take one, if one is left; whether it was."""
        if self._updated is not None:
            earned = (now - self._updated) / KEYFRAME_REFILL_S
            self._left = min(self._left + earned, float(KEYFRAMES_AT_ONCE))
        self._updated = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
