"""Who may ask: the token, the session cookie, the page's origin, and too many wrong guesses."""

import hmac
import json
import logging
import math
import time
from collections import deque
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from libvirt_webrtc.portal.body import read_text
from libvirt_webrtc.portal.problems import BUSY_RETRY_S, Problem
from libvirt_webrtc.portal.sessions import ABSOLUTE_S, Clock, Session, Sessions

log = logging.getLogger(__name__)

COOKIE = "__Host-libvirt-webrtc"
"""Browsers take a ``Secure`` cookie with the ``__Host-`` prefix over plain HTTP from ``localhost``,
``127.0.0.1`` and ``[::1]`` (tried with Chromium 156 and Firefox 153 ESR)."""

MAX_FAILURES = 5
FAILURE_WINDOW_S = 300.0
BAN_S = 300.0
MAX_ADDRESSES = 4096
"""Addresses with failures that are remembered; past it the longest known is forgotten."""
MAX_LOGINS = 10
"""In flight at once."""

_PUBLIC = frozenset({"/healthz", "/login", "/static/{path}"})
_SIGN_IN = "/api/session"
_SESSION = web.RequestKey("session", Session)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Failures:
    """Wrong tokens by client address, and who may not try for now."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}

    def check(self, address: str) -> None:
        """Raises the ``429`` of an address that is banned: ``MAX_FAILURES`` within the window."""
        times = self._times.get(address)
        if times is None or len(times) < MAX_FAILURES or times[-1] - times[0] >= FAILURE_WINDOW_S:
            return
        left = times[-1] + BAN_S - self._clock()
        if left <= 0:
            del self._times[address]
            return
        raise Problem(
            429,
            "too_many_failures",
            f"too many wrong tokens from your address; try again in {math.ceil(left)} seconds",
            retry_after_s=math.ceil(left),
        )

    def add(self, address: str) -> None:
        """Count a wrong token."""
        times = self._times.pop(address, deque(maxlen=MAX_FAILURES))
        times.append(self._clock())
        log.info("a wrong token from %s", address)
        self._times[address] = times
        if len(self._times) > MAX_ADDRESSES:
            del self._times[next(iter(self._times))]


class Auth:
    """Decides, for each request, whose it is."""

    def __init__(self, token: str, sessions: Sessions, clock: Clock = time.monotonic) -> None:
        self._token = _bytes(token)
        self._sessions = sessions
        self._failures = Failures(clock)
        self._logins = 0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let public and signed-in requests through; :func:`session_of` has the latter's session."""
        if request.match_info.http_exception is not None:
            return await handler(request)  # no such path or method: nothing to protect
        resource = request.match_info.route.resource
        # The route that answers decides, not the path's spelling.
        route = "" if resource is None else resource.canonical
        by_token = "Authorization" in request.headers
        if request.method not in _READING and not by_token:
            _check_origin(request)
        if route in _PUBLIC or (route == _SIGN_IN and request.method == "POST"):
            return await handler(request)
        if by_token:
            request[_SESSION] = self._bearer(request)
            return await handler(request)
        session = self._sessions.find(request.cookies.get(COOKIE, ""))
        if session is not None:
            request[_SESSION] = session
            return await handler(request)
        if route.startswith(("/api/", "/webrtc-config")):
            raise Problem(401, "not_signed_in", "sign in first, or send Authorization: Bearer TOKEN")
        return web.Response(
            status=303, headers={"Location": "/login?" + urlencode({"next": request.path_qs})}
        )

    async def sign_in(self, request: web.Request) -> web.Response:
        """``POST /api/session``: the token for a cookie."""
        address = request.remote or ""
        self._failures.check(address)
        if self._logins >= MAX_LOGINS:
            message = "too many people are signing in at this moment; try again"
            raise Problem(429, "too_many_logins", message, retry_after_s=BUSY_RETRY_S)
        self._logins += 1
        try:
            token = _token_of(await read_text(request))
        finally:
            self._logins -= 1
        # Again: other guesses may have come in while this one's body was read.
        self._failures.check(address)
        if not hmac.compare_digest(_bytes(token), self._token):
            self._failures.add(address)
            raise Problem(401, "wrong_token", "this is not the token that the server printed")
        log.info("signed in from %s", address)
        response = web.Response(status=204)
        _set_cookie(response, await self._sessions.start(), ABSOLUTE_S)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """``DELETE /api/session``: the session, its streams and its consoles end."""
        if session_of(request) is self._sessions.bearer:
            raise Problem(400, "no_session", "a Bearer token has no session to end; DELETE its viewers")
        await self._sessions.end(request.cookies[COOKIE])
        response = web.Response(status=204)
        _set_cookie(response, "", 0)
        return response

    def _bearer(self, request: web.Request) -> Session:
        address = request.remote or ""
        self._failures.check(address)
        scheme, _, token = request.headers["Authorization"].partition(" ")
        if scheme.lower() != "bearer":
            raise Problem(401, "not_signed_in", "the only Authorization that is taken is Bearer TOKEN")
        if not hmac.compare_digest(_bytes(token.strip()), self._token):
            self._failures.add(address)
            raise Problem(401, "wrong_token", "the Bearer token is not the one that the server printed")
        return self._sessions.bearer


def session_of(request: web.Request) -> Session:
    """The session that the middleware found."""
    return request[_SESSION]


def _check_origin(request: web.Request) -> None:
    """Only our own pages may change something: other ports of this machine share our cookie and its site.

    Programs without a cookie need no origin; a browser always sends one here.
    """
    origin = request.headers.get("Origin")
    if origin is None and COOKIE not in request.cookies:
        return
    if origin != f"http://{request.headers['Host']}":
        raise Problem(
            403, "wrong_origin", "a request that changes something must come from this site's own pages"
        )


def _token_of(body: str) -> str:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    token = data.get("token") if isinstance(data, dict) else None
    if not isinstance(token, str):
        raise Problem(400, "bad_request", 'the body must be {"token": "..."}')
    return token


def _bytes(token: str) -> bytes:
    # Headers and JSON can carry lone surrogates, which plain UTF-8 refuses.
    return token.encode("utf-8", "surrogatepass")


def _set_cookie(response: web.Response, value: str, max_age_s: int) -> None:
    response.set_cookie(
        COOKIE, value, max_age=max_age_s, path="/", secure=True, httponly=True, samesite="Strict"
    )
