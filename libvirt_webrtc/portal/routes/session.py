"""Signing in and out."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from libvirt_webrtc.portal.auth.cookie import read_cookie, set_cookie
from libvirt_webrtc.portal.auth.gate import SIGN_IN, Gate, session_of
from libvirt_webrtc.portal.auth.sessions import ABSOLUTE_S, Sessions
from libvirt_webrtc.portal.body import read_text
from libvirt_webrtc.portal.problems import BUSY_RETRY_S, Problem

log = logging.getLogger(__name__)

MAX_SIGN_INS = 10
"""Bodies of sign-ins that are read at the same time. One more, and the one that has waited longest is ended: it is
hardly a person's, whose whole body comes with the request."""


class SessionRoutes:
    """The token for a cookie, and the end of the session."""

    def __init__(self, gate: Gate, sessions: Sessions) -> None:
        self._gate = gate
        self._sessions = sessions
        self._reading: dict[asyncio.Timeout, None] = {}
        """Oldest first."""

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_post(SIGN_IN, self.sign_in)
        router.add_delete(SIGN_IN, self.sign_out)

    async def sign_in(self, request: web.Request) -> web.Response:
        """``POST /api/session``: the token for a cookie."""
        async with self._place():
            guess = _token_of(await read_text(request))
        await self._gate.check_token(request, guess, "this is not the token that the server printed")
        log.info("signed in from %s", request.remote)
        response = web.Response(status=204)
        set_cookie(response, await self._sessions.start(), ABSOLUTE_S)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """``DELETE /api/session``: the session, its streams and its consoles end."""
        if session_of(request) is self._sessions.bearer:
            raise Problem(400, "no_session", "a Bearer token has no session to end; DELETE its viewers")
        await self._sessions.end(read_cookie(request))
        response = web.Response(status=204)
        set_cookie(response, "", 0)
        return response

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """One of ``MAX_SIGN_INS`` places. Raises Problem in whoever has to give it to another."""
        if len(self._reading) >= MAX_SIGN_INS:
            oldest = next(iter(self._reading))
            del self._reading[oldest]
            oldest.reschedule(asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(None) as place:
                self._reading[place] = None
                try:
                    yield
                finally:
                    self._reading.pop(place, None)
        except TimeoutError:
            message = "too many people are signing in at this moment; send the token at once"
            raise Problem(429, "too_many_logins", message, retry_after_s=BUSY_RETRY_S) from None


def _token_of(body: str) -> str:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    token = data.get("token") if isinstance(data, dict) else None
    if not isinstance(token, str):
        raise Problem(400, "bad_request", 'the body must be {"token": "..."}')
    return token
