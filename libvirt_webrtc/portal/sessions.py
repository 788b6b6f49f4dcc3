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
IDLE_S = 3600
MAX_SESSIONS = 256
MAX_CONSOLES = 1024
"""Per session. Past either bound the oldest one ends: most likely it is already gone."""


@dataclass(frozen=True, slots=True)
class OpenConsole:
    """One viewer's peer connection."""

    uuid: str
    console: int
    viewer: str


class Session:
    """One signed-in viewer; ``ended`` is set when it is over, for whoever streams to it."""

    def __init__(self, now: float) -> None:
        self.started = now
        self.used = now
        self.ended = asyncio.Event()
        self.consoles: dict[str, OpenConsole] = {}
        """By viewer, oldest first."""
        self._streams = 0

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """While inside, the session is in use."""
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    def expired(self, now: float) -> bool:
        """Whether its time is over. Streams and consoles that are open keep it from being idle."""
        idle = not self._streams and not self.consoles
        return now - self.started >= ABSOLUTE_S or (idle and now - self.used >= IDLE_S)


class Sessions:
    """All sessions, by the cookie's value."""

    def __init__(self, agent: Agent, clock: Clock = time.monotonic) -> None:
        self._agent = agent
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self.bearer = Session(clock())
        """What all requests with the token itself share; it does not expire."""

    def __len__(self) -> int:
        return len(self._sessions)

    async def start(self) -> str:
        """A new session; returns its cookie's value."""
        now = self._clock()
        cookie = secrets.token_urlsafe(32)
        self._sessions[cookie] = Session(now)
        while len(self._sessions) > MAX_SESSIONS:
            await self.end(min(self._sessions, key=lambda key: self._sessions[key].used))
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The live session of a cookie, which is in use now."""
        session = self._sessions.get(cookie)
        now = self._clock()
        if session is None or session.expired(now):
            return None
        session.used = now
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

    async def end_expired(self) -> None:
        """End the sessions whose time is over."""
        now = self._clock()
        for cookie in [cookie for cookie, session in self._sessions.items() if session.expired(now)]:
            await self.end(cookie)

    def close(self) -> None:
        """Sign everybody out and end all streams. Consoles stay: they are the agent's to end or to keep."""
        for session in (self.bearer, *self._sessions.values()):
            session.ended.set()
        self._sessions.clear()
