"""One signed-in user, and what that user has open."""

import asyncio
import hashlib
import hmac
import math
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from libvirt_webrtc.agent.grant import Grant, Role
from libvirt_webrtc.portal.auth.session_store import StoredSession
from libvirt_webrtc.portal.auth.user import User

Clock = Callable[[], float]
"""Seconds that never jump: ``time.monotonic``, which all processes of a Linux system share until it is started anew."""

ABSOLUTE_S = 12 * 3600
"""A session ends this long after it began, whatever it does."""
IDLE_S = 3600
"""A session ends this long after its last request, event stream or console."""


ID_BYTES = 8
"""Random bytes of a session's public name."""


@dataclass(frozen=True, slots=True)
class OpenConsole:
    """One viewer's connection to a console."""

    uuid: str
    console: int
    viewer: str
    role: Role
    """That it was opened with."""


@dataclass(frozen=True, eq=False, slots=True)
class Pages:
    """Whoever has a session's cookie, and may not have its key."""

    responsible: str
    """Who answers for what is opened with it."""


class Session:
    """One signed-in user of the portal.

    Attributes:
        user: who it is.
        id: names the session where its secrets must not be seen: in grants, lists and logs.
        ends: when its time is over whatever it does, by the clock; infinite: never.
        used: when it was last seen to do something, by the clock.
        ended: set when it is over.
        leave: set when its event streams are to end; it may go on itself, as when the service is started again.
        consoles: what it has open, by the viewer's name, oldest first.
        pages: stands for whoever has its cookie alone.
    """

    def __init__(
        self,
        clock: Clock,
        user: User,
        key_hash: str = "",
        started: float | None = None,
        public_id: str | None = None,
        ends: float | None = None,
    ) -> None:
        self.user = user
        self.id = public_id or secrets.token_hex(ID_BYTES)
        self.used = clock()
        self.ended = asyncio.Event()
        self.leave = asyncio.Event()
        self.consoles: dict[str, OpenConsole] = {}
        self.pages = Pages(user.responsible)
        self._clock = clock
        self._key_hash = key_hash
        self._started = self.used if started is None else started
        self.ends = self._started + ABSOLUTE_S if ends is None else ends
        self._streams = 0

    @classmethod
    def stored(cls, clock: Clock, stored: StoredSession) -> "Session":
        """The session as it was when it was stored."""
        session = cls(clock, stored.user, stored.key, stored.started, stored.id, stored.ends)
        session.used = stored.used
        return session

    def to_store(self, cookie_hash: str) -> StoredSession:
        """What of it is stored. It counts as used now while it has something open."""
        used = self._clock() if self.is_open else self.used
        return StoredSession(cookie_hash, self._key_hash, self._started, used, self.id, self.user, self.ends)

    def has_key(self, key: str) -> bool:
        """Whether this is its key. Takes the same time wherever the two differ."""
        return hmac.compare_digest(hash_of(key), self._key_hash)

    def use(self) -> None:
        """Note that it does something now."""
        self.used = self._clock()

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """An event stream is open while inside; the session is in use until it closes."""
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1
            self.use()

    def close_console(self, viewer: str) -> OpenConsole | None:
        """Forget a console that it had open; None where it had not."""
        if (console := self.consoles.pop(viewer, None)) is not None:
            self.use()
        return console

    @property
    def expired(self) -> bool:
        """Whether its time is over. It is not idle while it has an event stream or a console open."""
        now = self._clock()
        return now >= self.ends or (not self.is_open and now - self.used >= IDLE_S)

    def grant(self, role: Role) -> Grant:
        """What one viewer of it may do."""
        until = None if math.isinf(self.ends) else self.ends
        return Grant(self.user.name, role, until, self.id, self.user.responsible)

    @property
    def is_open(self) -> bool:
        """Whether it has an event stream or a console open."""
        return self._streams > 0 or bool(self.consoles)

    @property
    def responsible(self) -> str:
        """Who answers for what it opens."""
        return self.user.responsible


def hash_of(value: str) -> str:
    """SHA-256, in hexadecimal digits: what is kept of a secret, here and in the file."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
