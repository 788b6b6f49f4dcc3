"""How many passwords of one user may be tried. Pure."""

from libvirt_webrtc.pam.protocol import MAX_NAME_BYTES

BURST = 30
"""Wrong passwords of one user that may be tried at once."""
REFILL_S = 0.5
"""After that, one in this many seconds: what a service that was taken over could try. The portal itself lets an
attacker from one address try less than that."""
MAX_NAMES = 4096
"""Users whose wrong passwords are remembered."""


class GuessBudget:
    """Counts wrong passwords by user."""

    def __init__(self) -> None:
        self._spent: dict[str, tuple[float, float]] = {}
        """How many were spent when, as far as they have not come back."""

    def take(self, name: str, now: float) -> bool:
        """Spend one try of this user; False: there is none."""
        key = _key(name)
        spent = self._now(key, now)
        if spent > BURST - 1:
            return False
        self._spent.pop(key, None)
        self._spent[key] = (spent + 1, now)
        if len(self._spent) > MAX_NAMES:
            # The one with most left: made-up users do not wash away the one that is attacked.
            del self._spent[min(self._spent, key=lambda each: self._now(each, now))]
        return True

    def give_back(self, name: str, now: float) -> None:
        """The password was right: the try does not count."""
        key = _key(name)
        self._spent[key] = (max(self._now(key, now) - 1, 0.0), now)

    def _now(self, key: str, now: float) -> float:
        spent, then = self._spent.get(key, (0.0, now))
        return max(spent - (now - then) / REFILL_S, 0.0)


def _key(name: str) -> str:
    # Some directories take a name in any case.
    return name.casefold()[:MAX_NAME_BYTES]
