"""Signing in and out."""

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from libvirt_webrtc.portal.addresses import remote_of
from libvirt_webrtc.portal.audit import record, signed_in, signing_in
from libvirt_webrtc.portal.audit_events import SignOut
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.cookie import read_cookie, set_cookie
from libvirt_webrtc.portal.auth.gate import Gate, session_of
from libvirt_webrtc.portal.auth.methods import OfferedMethod
from libvirt_webrtc.portal.auth.session import ABSOLUTE_S, Session
from libvirt_webrtc.portal.auth.sessions import Sessions
from libvirt_webrtc.portal.auth.system_users import SystemUsers
from libvirt_webrtc.portal.auth.user import TOKEN_USER, Method, User
from libvirt_webrtc.portal.body import read_text
from libvirt_webrtc.portal.problems import Problem

log = logging.getLogger(__name__)

Farewell = Callable[[web.Request, Session], Awaitable[str | None]]
"""Where the browser of a session that has ended goes to end another one; None: nowhere."""

_SIGN_IN = "/api/session"
_WORDS = {Method.TOKEN: "the token", Method.PAM: "user name and password"}


@dataclass(frozen=True, slots=True)
class ByToken:
    """Somebody sent the server's token, or a guess."""

    token: str


@dataclass(frozen=True, slots=True)
class ByPassword:
    """Somebody says to be a user of the system."""

    user: str
    password: str
    code: str | None = None


class SessionRoutes:
    """Which ways of signing in there are, a session for what proves who it is, and the end of the session."""

    def __init__(
        self,
        gate: Gate,
        sessions: Sessions,
        access: Access,
        system_users: SystemUsers,
        offered: Sequence[OfferedMethod],
        farewell: Farewell,
    ) -> None:
        self._gate = gate
        self._sessions = sessions
        self._access = access
        self._system_users = system_users
        self._offered = {one.method: one for one in offered}
        self._farewell = farewell

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_get("/api/sign-in", self.methods)
        router.add_post(_SIGN_IN, self.sign_in)
        router.add_delete(_SIGN_IN, self.sign_out)

    async def methods(self, request: web.Request) -> web.Response:
        """``GET /api/sign-in``: what the login page offers."""
        return web.json_response({"methods": [one.as_json() for one in self._offered.values()]})

    async def sign_in(self, request: web.Request) -> web.Response:
        """``POST /api/session``: the token, or a name and a password, for a cookie and a key."""
        proof = _proof_of(await read_text(request))
        method = Method.TOKEN if isinstance(proof, ByToken) else Method.PAM
        signing_in(request, TOKEN_USER.name if isinstance(proof, ByToken) else proof.user, method)
        if method not in self._offered:
            raise Problem(403, "method_off", f"signing in by {_WORDS[method]} is not switched on here")
        if isinstance(proof, ByToken):
            await self._gate.check_token(request, proof.token, "this is not the server's token")
            user = TOKEN_USER
        else:
            user = await self._system_users.sign_in(request, proof.user, proof.password, proof.code)
            self._access.check_named(user)
        return await self._begin(request, user)

    async def _begin(self, request: web.Request, user: User) -> web.Response:
        log.info("%s signed in from %s", user.name, remote_of(request))
        made = await self._sessions.start(user)
        signed_in(request, user.name, user.method, made.id)
        response = web.json_response({"key": made.key})
        set_cookie(response, request, made.cookie, ABSOLUTE_S)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """``DELETE /api/session``: the session, its streams and its consoles end."""
        if "Authorization" in request.headers:
            raise Problem(400, "no_session", "a Bearer token has no session to end; DELETE its viewers")
        record(request, SignOut(reason="asked"))
        await self._sessions.end(read_cookie(request))
        url = await self._farewell(request, session_of(request))
        response = web.Response(status=204) if url is None else web.json_response({"location": url})
        set_cookie(response, request, "", 0)
        return response


def _proof_of(body: str) -> ByToken | ByPassword:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict) and all(isinstance(value, str) for value in data.values()):
        if data.keys() == {"token"}:
            return ByToken(**data)
        if {"user", "password"} <= data.keys() <= {"user", "password", "code"}:
            return ByPassword(**data)
    text = 'the body must be {"token": "..."}, or {"user": "...", "password": "..."} with or without "code": "..."'
    raise Problem(400, "bad_request", text)
