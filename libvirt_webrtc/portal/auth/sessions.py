"""Who is signed in: all sessions, their limits, and their end."""

import asyncio
import logging
import math
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.agent.most import of_most
from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.errors import LibvirtWebRTCError
from libvirt_webrtc.portal.audit import Audit
from libvirt_webrtc.portal.audit_events import LOCAL, Actor, SignOut
from libvirt_webrtc.portal.auth.session import ABSOLUTE_S, Clock, OpenConsole, Pages, Session, hash_of
from libvirt_webrtc.portal.auth.session_store import SessionStore
from libvirt_webrtc.portal.auth.user import TOKEN_USER, User

log = logging.getLogger(__name__)

MAX_SESSIONS = 256
"""Past it, one is ended of the user who has most: one that most likely nobody uses any more."""
MAX_CONSOLES = 1024
"""Of one session. Past it the oldest one is ended."""


CLOSE_WAIT_S = 1.0
"""How long the end of a session waits for a console's: a worker that does not answer delays no other end."""

SAVE_S = 300.0
"""When each session was last used is saved this often. After a crash one may end this much too early."""

COOKIE_BYTES = KEY_BYTES = 32
"""Random bytes of each."""


@dataclass(frozen=True, slots=True)
class SessionSecrets:
    """The two values that make up a session's proof, and which session it is.

    Browsers send the cookie to every port of this host. The key stays with the portal's own pages.
    """

    cookie: str
    key: str
    id: str
    """The session's public one."""


class Sessions:
    """All sessions, by the hash of the cookie's value.

    Args:
        agent: what ends consoles, and tells whether they are there.
        clock: seconds that never jump.
        store: where they outlive the process; None: nowhere.
        audit: is told of those that end without being asked to.
    """

    def __init__(
        self,
        agent: Agent,
        clock: Clock = time.monotonic,
        store: SessionStore | None = None,
        audit: Audit | None = None,
    ) -> None:
        self._agent = agent
        self._clock = clock
        self._store = store
        self._audit = audit or Audit()
        self._saving = asyncio.Lock()
        self._saved_at = clock()
        self._sessions: dict[str, Session] = {}
        self._programs: dict[User, Session] = {}
        self._closing = False
        self._ending = TaskSet()
        for stored in store.load() if store is not None else ():
            session = Session.stored(clock, stored)
            # Times to come are of another clock, as in a container that was moved.
            if not session.expired and max(stored.started, stored.used) <= clock():
                self._sessions[stored.cookie] = session

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def now(self) -> float:
        """The time by the clock."""
        return self._clock()

    def __iter__(self) -> Iterator[Session]:
        """All sessions, those of programs included."""
        return iter([*self._programs.values(), *self._sessions.values()])

    async def start(self, user: User, *, ends: float | None = None) -> SessionSecrets:
        """Begin a session of ``user``; returns what proves it. It is saved before this returns.

        ``ends``, by the clock, is where its time is over before ABSOLUTE_S.
        """
        latest = self._clock() + ABSOLUTE_S
        ends = latest if ends is None else min(ends, latest)
        cookie, key = secrets.token_urlsafe(COOKIE_BYTES), secrets.token_urlsafe(KEY_BYTES)
        session = Session(self._clock, user, hash_of(key), ends=ends)
        self._sessions[hash_of(cookie)] = session
        while len(self._sessions) > MAX_SESSIONS:
            await self._end(self._least_missed(session), "replaced")
        await self._save()
        return SessionSecrets(cookie, key, session.id)

    def of_program(self, user: User, lasts_s: float = math.inf) -> Session:
        """What all requests with one Bearer token share, ``user``'s; however idle it is, it lasts as long as that."""
        if (session := self._programs.get(user)) is None:
            session = self._programs[user] = Session(self._clock, user, ends=self._clock() + lasts_s)
            if self._closing:
                session.leave.set()
        return session

    @property
    def bearer(self) -> Session:
        """What all requests with the server's own token share."""
        return self.of_program(TOKEN_USER)

    def pages(self, cookie: str) -> Pages | None:
        """What stands for whoever has the cookie of a live session; None where there is none.

        Good for the pages themselves, in which is nothing secret.
        """
        session = self._sessions.get(hash_of(cookie))
        return None if session is None or session.expired else session.pages

    def page_user(self, cookie: str) -> User | None:
        """Who has the cookie of a live session, for the pages themselves; None where there is none."""
        session = self._sessions.get(hash_of(cookie))
        return None if session is None or session.expired else session.user

    def find(self, cookie: str, key: str) -> Session | None:
        """The live session of a cookie, where the key is its own as well; it counts as used now."""
        session = self._sessions.get(hash_of(cookie))
        if session is None or session.expired or not session.has_key(key):
            return None
        session.use()
        return session

    async def end(self, cookie: str) -> None:
        """End a session, its streams and its consoles. Fine if there is none. It stays ended after a restart."""
        if await self._end(hash_of(cookie)):
            await self._save()

    async def end_where(self, over: Callable[[Session], bool]) -> int:
        """End each session for which ``over`` is true, with its streams and its consoles; returns how many."""
        found = [(cookie, session.expired) for cookie, session in self._sessions.items() if over(session)]
        programs = [user for user, session in self._programs.items() if over(session)]
        await asyncio.gather(
            *(self._end(cookie, "expired" if expired else "revoked") for cookie, expired in found),
            *(self._close(self._programs.pop(user)) for user in programs),
        )
        if found:
            await self._save()
        return len(found) + len(programs)

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
        """End one viewer; False when it is already gone, as with a domain or worker that is. As long as that takes."""
        try:
            return await self._agent.close_viewer(console.uuid, console.viewer)
        except LibvirtWebRTCError as error:
            log.debug("closing a viewer of %s: %s", console.uuid, error)
            return False

    async def end_console(self, console: OpenConsole) -> None:
        """End one viewer; waits for that CLOSE_WAIT_S at most, and then it goes on by itself."""
        ending = self._ending.start(self.close_console(console), name=f"end a viewer of {console.uuid}")
        await asyncio.wait([ending], timeout=CLOSE_WAIT_S)

    async def sweep(self) -> None:
        """Forget the consoles whose viewers are gone, then end the sessions whose time is over.

        Most viewers vanish without a word (a closed tab, a lost network). The worker notices within seconds, and here
        it is asked for, so that such a console keeps no session from being idle.
        """
        for session in self:
            for console in list(session.consoles.values()):
                if not await self._is_there(console):
                    session.close_console(console.viewer)
        over = [cookie for cookie, session in self._sessions.items() if session.expired]
        await asyncio.gather(*(self._end(cookie, "expired") for cookie in over))
        if over or (self._sessions and self._clock() - self._saved_at >= SAVE_S):
            await self._save()

    async def close(self) -> None:
        """End all streams, and save the sessions for the next process.

        Nobody is signed out: a request that is still answered must not send its page to the login. Consoles stay: they
        are the agent's to end or to keep.
        """
        self._closing = True
        for session in self:
            session.leave.set()
        if self._sessions:
            await self._save()

    async def stop(self) -> None:
        """After :meth:`close` and the last request: wait for no console's end any more."""
        await self._ending.close()

    def _least_missed(self, new: Session) -> str:
        """Of whoever has most sessions, and of what that user has most of by one link or by none, the oldest one that
        has nothing open: nobody pushes out others, by links either, and whoever has a link not who made it.
        """

        def how_missed(stored: tuple[str, Session]) -> tuple[bool, float]:
            session = stored[1]
            return session is new or session.is_open, session.used

        theirs = of_most(
            self._sessions.items(),
            lambda stored: stored[1].responsible,
            lambda stored: (stored[1].responsible, stored[1].user.name),
        )
        return min(theirs, key=how_missed)[0]

    async def _end(self, cookie_hash: str, why: str | None = None) -> bool:
        """End a session without saving; False where there is none. ``why`` is for the audit log, where nobody asked."""
        session = self._sessions.pop(cookie_hash, None)
        if session is None:
            return False
        if why is not None:
            user = session.user
            self._audit.write(SignOut(reason=why), Actor(LOCAL.address, user.name, user.method, session.id))
        await self._close(session)
        return True

    async def _close(self, session: Session) -> None:
        session.ended.set()
        session.leave.set()
        consoles = list(session.consoles.values())
        session.consoles.clear()
        await asyncio.gather(*(self.end_console(console) for console in consoles))

    async def _save(self) -> None:
        if self._store is None:
            return
        # One after the other: the last one that is written has to be the last one that was true.
        async with self._saving:
            self._saved_at = self._clock()
            sessions = [session.to_store(cookie) for cookie, session in self._sessions.items()]
            await in_thread(partial(self._store.save, sessions))

    async def _is_there(self, console: OpenConsole) -> bool:
        try:
            return await self._agent.has_viewer(console.uuid, console.viewer)
        except LibvirtWebRTCError as error:
            # The agent cannot tell now; the next sweep asks again.
            log.debug("asking for a viewer of %s: %s", console.uuid, error)
            return True
