"""Wrong guesses slow down whoever sends them, and nobody else.

Two kinds of secrets:

- Tokens, sessions and links have too many possibilities to be guessed. They are looked at first, and a right one is
  never refused or delayed. Only the answer to a wrong one goes through :meth:`Throttle.refuse`.
- Passwords and one-time codes can be guessed, by many connections at the same time. They are looked at inside of
  :meth:`Throttle.turn`, which lets a few through each second where there were too many wrong ones.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from libvirt_webrtc.portal.addresses import client_of, remote_of
from libvirt_webrtc.portal.auth.failures import MAX_OF_PAIR, Failed, Failures, Key
from libvirt_webrtc.portal.auth.session import Clock
from libvirt_webrtc.portal.connections import connection_of
from libvirt_webrtc.portal.problems import BUSY_RETRY_S, Problem

log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""How long the answer to each further wrong guess is held back, and how long a turn takes then."""

MAX_PAUSED = 64
"""Answers held back at the same time, of all clients; each holds a connection. Beyond it they are sent at once:
whoever opens that many connections is not slowed down by waiting. What stops guessing then is the token's size; guesses
of passwords wait in turns, which this bound does not touch."""

MAX_IN_TURN = 2
"""Guesses of one crowd that wait or are looked at, at the same time. With ``PAUSE_S``: two a second."""

MAX_IN_FLIGHT = MAX_OF_PAIR
"""Guesses of one client for one user that may be looked at at the same time before one of them has turned out wrong."""


class Throttle:
    """Counts wrong guesses by client, as :func:`client_of` tells them apart, and user; and makes the answers."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._failures = Failures(clock)
        self._paused = 0
        self._in_turn: Counter[Key] = Counter()

    @asynccontextmanager
    async def turn(self, request: web.Request, user: str) -> AsyncIterator[None]:
        """Look at a guess of ``user``'s password, or code, only inside of this.

        Where this client, or clients from which the user has never signed in, guessed wrong too often, entering takes
        ``PAUSE_S``. Afterwards the caller says how it went: :meth:`succeeded`, or ``raise await`` :meth:`refuse`.

        Raises:
            Problem: ``429``: too many wait already. The guess was not looked at, and may be sent again.
            ConnectionResetError: the client left meanwhile.
        """
        client = client_of(remote_of(request))
        crowd = self._failures.crowd(client, user)
        key, most = (crowd, MAX_IN_TURN) if crowd is not None else ((client, user[:256]), MAX_IN_FLIGHT)
        if self._in_turn[key] >= most:
            text = "too many attempts to sign in as this user at the same time; try again in a second"
            raise Problem(429, "too_many_attempts", text, retry_after_s=BUSY_RETRY_S)
        self._in_turn[key] += 1
        try:
            if crowd is not None:
                await _pause(gone := connection_of(request).lost)
                if gone.is_set():
                    raise ConnectionResetError("the client left before its turn came")
            yield
        finally:
            self._in_turn[key] -= 1
            if not self._in_turn[key]:
                del self._in_turn[key]

    def knows(self, request: web.Request, user: str) -> bool:
        """Whether ``user`` has signed in from this client before."""
        return self._failures.knows(client_of(remote_of(request)), user)

    def succeeded(self, request: web.Request, user: str) -> None:
        """Note that ``user`` signed in from this client: attacks from elsewhere do not slow it down there."""
        self._failures.forgive(client_of(remote_of(request)), user)

    async def refuse(
        self, request: web.Request, user: str, message: str, kind: str = "wrong_token"
    ) -> Problem:
        """Count a wrong guess, and make its answer: ``401`` with ``kind`` and ``message``, or ``429`` after too many.

        Waits ``PAUSE_S`` before a ``429``, or until the client has left: then nobody waits for the answer. Cancelling
        it is safe: the guess has been counted then.

        Args:
            request: in which the guess came.
            user: whom it was to be; the method's name where a secret is all that was sent, such as ``"token"``.
            message: for people: what was wrong.
            kind: for programs.
        """
        client = client_of(remote_of(request))
        failed = self._failures.note(client, user)
        if failed is Failed.LIMIT:
            text = "%d wrong guesses from %s for one user: more are answered slowly, and not logged"
            log.warning(text, MAX_OF_PAIR, client)
        if failed is not Failed.TOO_MUCH:
            log.info("a wrong guess (%s) from %s", kind, client)
            return Problem(401, kind, message)
        if self._paused < MAX_PAUSED:
            self._paused += 1
            try:
                await _pause(connection_of(request).lost)
            finally:
                self._paused -= 1
        message = f"{message}; there were too many wrong ones, so answers to them are slow now"
        wait = math.ceil(self._failures.wait_s(client, user))
        return Problem(429, "too_many_failures", message, retry_after_s=wait)


async def _pause(gone: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(PAUSE_S):
            await gone.wait()
