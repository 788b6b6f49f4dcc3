"""Wrong tokens slow down who sends them, and nobody else."""

import asyncio
import logging
import math
import time
from collections import deque
from contextlib import suppress

from libvirt_webrtc.portal.addresses import client_of
from libvirt_webrtc.portal.auth.session import Clock
from libvirt_webrtc.portal.problems import Problem

log = logging.getLogger(__name__)

MAX_FAILURES = 5
"""Wrong tokens of one client within the window that are answered at once, with ``401``: enough for mistyping."""

FAILURE_WINDOW_S = 300.0

PAUSE_S = 1.0
"""How long the answer to each further wrong token is held back."""

MAX_PAUSED = 64
"""Answers held back at the same time, of all clients; each holds a connection. Beyond it they are sent at once:
whoever opens that many connections is not slowed down by waiting, and only the token's size stops them."""

MAX_CLIENTS = 4096
"""Clients with wrong tokens that are remembered; past it the one whose last was longest ago is forgotten."""


class Throttle:
    """Counts wrong tokens by client, as :func:`client_of` tells them apart, and makes the answer to each."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}
        self._paused = 0

    async def refuse(self, address: str, message: str, gone: asyncio.Event) -> Problem:
        """The answer to a wrong token from ``address``: ``401`` with ``message``, or ``429`` after too many.

        Waits ``PAUSE_S`` before a ``429``, or until ``gone`` is set: then nobody waits for the answer. Cancelling it is
        safe: the token has been counted then.
        """
        client = client_of(address)
        wait = self._count(client)
        if wait <= 0:
            log.info("a wrong token from %s", client)
            return Problem(401, "wrong_token", message)
        if self._paused < MAX_PAUSED:
            self._paused += 1
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE_S):
                        await gone.wait()
            finally:
                self._paused -= 1
        message = f"{message}; too many wrong ones came from your address, so answers to them are slow now"
        return Problem(429, "too_many_failures", message, retry_after_s=math.ceil(wait))

    def _count(self, client: str) -> float:
        """Note a wrong token; in how many seconds the next is answered at once again. 0: this one is."""
        now = self._clock()
        times = self._times.pop(client, deque[float](maxlen=MAX_FAILURES))
        self._times[client] = times
        if len(self._times) > MAX_CLIENTS:
            del self._times[next(iter(self._times))]
        if len(times) == MAX_FAILURES and (wait := times[0] + FAILURE_WINDOW_S - now) > 0:
            # Not counted: the window of the first ones goes by, however many follow.
            return wait
        times.append(now)
        if len(times) == MAX_FAILURES and times[0] + FAILURE_WINDOW_S > now:
            log.warning(
                "%d wrong tokens from %s: more are answered slowly, and not logged", MAX_FAILURES, client
            )
        return 0.0
