"""Counts wrong guesses by client and user, in bounded memory. Pure."""

import hashlib
from collections import deque
from enum import Enum, auto

from libvirt_webrtc.portal.auth.session import Clock

WINDOW_S = 300.0
"""What is older than this many seconds does not count any more."""

MAX_OF_PAIR = 5
"""Wrong guesses of one client for one user within the window that have no consequence: enough for mistyping."""

MAX_OF_USER = 20
"""The same for one user, of all clients from which that user has not signed in yet. A person has a few devices; more
wrong guesses than four people's mistakes are an attack from many addresses."""

MAX_ENTRIES = 4096
"""Pairs and users that are remembered, and successful pairs. An entry takes about 300 bytes."""

Key = tuple[str, str]
"""A client and a user; ``EVERYWHERE`` where the entry is about a user, whatever the client."""

EVERYWHERE = "*"


class Failed(Enum):
    """What a wrong guess leads to."""

    LITTLE = auto()
    """It may well be a mistake."""
    LIMIT = auto()
    """The pair's last one without a consequence."""
    TOO_MUCH = auto()
    """One of too many."""


class Failures:
    """Wrong guesses by client and user, and who has been right.

    Clients are told apart by the caller. Users are what somebody typed, of any length, and need not exist.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: dict[Key, deque[float]] = {}
        self._right: dict[Key, None] = {}

    def note(self, client: str, user: str) -> Failed:
        """Count a wrong guess."""
        pair, everybody = _keys(client, user)
        if self._wait(pair, MAX_OF_PAIR) > 0:
            # Not counted: the window of the first ones goes by, however many follow; and a single client does not
            # slow down others.
            return Failed.TOO_MUCH
        self._add(pair, MAX_OF_PAIR)
        if pair not in self._right:
            if self._wait(everybody, MAX_OF_USER) > 0:
                return Failed.TOO_MUCH
            self._add(everybody, MAX_OF_USER)
        return Failed.LIMIT if self._wait(pair, MAX_OF_PAIR) > 0 else Failed.LITTLE

    def wait_s(self, client: str, user: str) -> float:
        """In how many seconds the next wrong guess has no consequence again; 0: this one has none."""
        pair, everybody = _keys(client, user)
        known = pair in self._right
        return max(self._wait(pair, MAX_OF_PAIR), 0.0 if known else self._wait(everybody, MAX_OF_USER))

    def crowd(self, client: str, user: str) -> Key | None:
        """Whose guesses are too many: the pair's, or the user's from everywhere; None: neither."""
        pair, everybody = _keys(client, user)
        if self._wait(pair, MAX_OF_PAIR) > 0:
            return pair
        return everybody if pair not in self._right and self._wait(everybody, MAX_OF_USER) > 0 else None

    def knows(self, client: str, user: str) -> bool:
        """Whether the user has signed in from there, since the service was started."""
        return _keys(client, user)[0] in self._right

    def forgive(self, client: str, user: str) -> None:
        """Note a right guess: the pair begins anew, and attacks on the user from elsewhere do not touch it."""
        pair, _ = _keys(client, user)
        self._times.pop(pair, None)
        self._right.pop(pair, None)
        self._right[pair] = None
        if len(self._right) > MAX_ENTRIES:
            del self._right[next(iter(self._right))]

    def _wait(self, key: Key, most: int) -> float:
        times = self._times.get(key)
        if times is None or len(times) < most:
            return 0.0
        return max(times[0] + WINDOW_S - self._clock(), 0.0)

    def _add(self, key: Key, most: int) -> None:
        times = self._times.pop(key, None) or deque[float](maxlen=most)
        times.append(self._clock())
        self._times[key] = times
        if len(self._times) > MAX_ENTRIES:
            del self._times[self._least_missed()]

    def _least_missed(self) -> Key:
        """The oldest entry that slows nobody down; of those that do, where they are more than half.

        So guesses for many made-up users do not wash away who is slowed down; and however many are, there is room for
        new ones to be counted until they are too many.
        """
        slow = dict.fromkeys(
            key for key, times in self._times.items() if self._wait(key, times.maxlen or 0) > 0
        )
        if len(slow) > MAX_ENTRIES // 2:
            return next(iter(slow))
        return next(key for key in self._times if key not in slow)


def _keys(client: str, user: str) -> tuple[Key, Key]:
    name = hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return (client, name), (EVERYWHERE, name)
