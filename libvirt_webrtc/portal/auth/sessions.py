"""Who is signed in, and what each of them has open."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.errors import LibvirtWebRTCError

log = logging.getLogger(__name__)

Clock = Callable[[], float]
"""Seconds that never jump: ``time.monotonic``."""

ABSOLUTE_S = 12 * 3600
"""A session ends this long after it began, whatever it does."""
IDLE_S = 3600
"""A session ends this long after its last request, event stream or console."""
MAX_SESSIONS = 256
MAX_CONSOLES = 1024
"""Of one session. Past either bound the oldest one is ended: most likely nobody uses it any more."""


@dataclass(frozen=True, slots=True)
class OpenConsole:
    """One viewer's connection to a console."""

    uuid: str
    console: int
    viewer: str


class Session:
    """One signed-in user of the portal.

    Attributes:
        used: when it was last seen to do something, by the clock.
        ended: set when it is over, for whoever streams to it.
        consoles: what it has open, by the viewer's name, oldest first.
    """

    def __init__(self, clock: Clock) -> None:
        self.used = clock()
        self.ended = asyncio.Event()
        self.consoles: dict[str, OpenConsole] = {}
        self._clock = clock
        self._started = self.used
        self._streams = 0

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
        idle = not self._streams and not self.consoles
        return now - self._started >= ABSOLUTE_S or (idle and now - self.used >= IDLE_S)


class Sessions:
    """All sessions, by the cookie's value."""

    def __init__(self, agent: Agent, clock: Clock = time.monotonic) -> None:
        self._agent = agent
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self.bearer = Session(clock)
        """What all requests with the token itself share; it does not expire."""

    def __len__(self) -> int:
        return len(self._sessions)

    async def start(self) -> str:
        """Begin a session; returns its cookie's value."""
        cookie = secrets.token_urlsafe(32)
        self._sessions[cookie] = Session(self._clock)
        while len(self._sessions) > MAX_SESSIONS:
            await self.end(min(self._sessions, key=lambda key: self._sessions[key].used))
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The live session of a cookie; it counts as used now."""
        session = self._sessions.get(cookie)
        if session is None or session.expired:
            return None
        session.use()
        return session

    async def end(self, cookie: str) -> None:
        """End a session, its streams and its consoles. Fine if there is none."""
        session = self._sessions.pop(cookie, None)
        if session is None:
            return
        session.ended.set()
        consoles = list(session.consoles.values())
        session.consoles.clear()
        await asyncio.gather(*(self.close_console(console) for console in consoles))

    async def add_console(self, session: Session, console: OpenConsole) -> bool:
        """Note what a session has opened; False, and the console is closed, if it has ended meanwhile."""
        if session.ended.is_set():
            await self.close_console(console)
            return False
        session.consoles[console.viewer] = console
        while len(session.consoles) > MAX_CONSOLES:
            await self.close_console(session.consoles.pop(next(iter(session.consoles))))
        return True

    async def close_console(self, console: OpenConsole) -> bool:
        """End one viewer; False when it is already gone, as with a domain or worker that is."""
        try:
            return await self._agent.close_viewer(console.uuid, console.viewer)
        except LibvirtWebRTCError as error:
            log.debug("closing a viewer of %s: %s", console.uuid, error)
            return False

    async def sweep(self) -> None:
        """Forget the consoles whose viewers are gone, then end the sessions whose time is over.

        Most viewers vanish without a word (a closed tab, a lost network). The worker notices within seconds, and here
        it is asked for, so that such a console keeps no session from being idle.
        """
        for session in [self.bearer, *self._sessions.values()]:
            for console in list(session.consoles.values()):
                if not await self._is_there(console):
                    session.close_console(console.viewer)
        for cookie in [cookie for cookie, session in self._sessions.items() if session.expired]:
            await self.end(cookie)

    def close(self) -> None:
        """Sign everybody out and end all streams. Consoles stay: they are the agent's to end or to keep."""
        for session in (self.bearer, *self._sessions.values()):
            session.ended.set()
        self._sessions.clear()

    async def _is_there(self, console: OpenConsole) -> bool:
        try:
            return await self._agent.has_viewer(console.uuid, console.viewer)
        except LibvirtWebRTCError as error:
            # The agent cannot tell now; the next sweep asks again.
            log.debug("asking for a viewer of %s: %s", console.uuid, error)
            return True
