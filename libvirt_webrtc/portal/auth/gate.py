"""Decides whether a request may pass: by session or Bearer token, and only from the portal's own pages."""

from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from libvirt_webrtc.portal.auth.cookie import KEY_HEADER, read_cookie
from libvirt_webrtc.portal.auth.session import Session
from libvirt_webrtc.portal.auth.sessions import Sessions
from libvirt_webrtc.portal.auth.throttle import Throttle
from libvirt_webrtc.portal.auth.token import Token
from libvirt_webrtc.portal.connections import connection_of
from libvirt_webrtc.portal.problems import Problem

PUBLIC = frozenset({"/healthz", "/login", "/static/{path}"})
"""Routes that need no session."""
PAGES = frozenset({"/", "/console/{uuid}"})
"""Routes for which the cookie is enough: browsers send nothing else when they open a page. The same for everybody, so
there is nothing secret in them."""
SIGN_IN = "/api/session"
"""Needs none either, for POST."""

TOKEN_USER = "token"
"""Whom wrong tokens count for."""

_SESSION = web.RequestKey("session", Session)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Finds the session of each request, or refuses it."""

    def __init__(self, token: str, sessions: Sessions, throttle: Throttle) -> None:
        self._token = Token(token)
        self._sessions = sessions
        self._throttle = throttle

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let public and signed-in requests through; :func:`session_of` has the latter's session."""
        if request.match_info.http_exception is not None:
            return await handler(request)  # no such path or method: nothing to protect
        resource = request.match_info.route.resource
        # The matched route decides, so that no other spelling of a path opens it.
        route = "" if resource is None else resource.canonical
        by_token = "Authorization" in request.headers
        if request.method not in _READING and not by_token:
            _check_origin(request)
        self._note_cookie(request)
        if route in PUBLIC or (route == SIGN_IN and request.method == "POST"):
            return await handler(request)
        cookie, key = read_cookie(request), request.headers.get(KEY_HEADER, "")
        session = await self._bearer(request) if by_token else self._sessions.find(cookie, key)
        if session is not None:
            request[_SESSION] = session
            connection_of(request).claim(session, program=by_token)
            return await handler(request)
        if route in PAGES and self._sessions.pages(cookie) is not None:
            return await handler(request)
        if route not in PAGES:
            raise Problem(401, "not_signed_in", "sign in first, or send Authorization: Bearer TOKEN")
        return web.Response(
            status=303, headers={"Location": "/login?" + urlencode({"next": request.path_qs})}
        )

    def _note_cookie(self, request: web.Request) -> None:
        """Keep strangers from pushing out the connections on which a signed-in browser loads pages and scripts.

        They count apart from those that had the key too: whoever else has the cookie does not push those out.
        """
        connection = connection_of(request)
        if connection.owner is None and (pages := self._sessions.pages(read_cookie(request))) is not None:
            connection.claim(pages)

    async def check_token(self, request: web.Request, guess: str, message: str) -> None:
        """Return at once where ``guess`` is the token, whatever else came from the same address.

        Raises:
            Problem: it is not; ``message`` says so. Held back for a second after too many wrong ones.
        """
        if not self._token.matches(guess):
            raise await self._throttle.refuse(request, TOKEN_USER, message)

    async def _bearer(self, request: web.Request) -> Session:
        scheme, _, guess = request.headers["Authorization"].partition(" ")
        if scheme.lower() != "bearer":
            raise Problem(401, "not_signed_in", "the only Authorization that is taken is Bearer TOKEN")
        message = "the Bearer token is not the server's"
        await self.check_token(request, guess.strip(), message)
        return self._sessions.bearer


def session_of(request: web.Request) -> Session:
    """The session that the middleware found."""
    return request[_SESSION]


def _check_origin(request: web.Request) -> None:
    """Only our own pages may change something: pages on other ports of this host get our cookie sent along, too.

    Browsers send an ``Origin`` with every such request. A program without cookies needs none.
    """
    origin = request.headers.get("Origin")
    if origin is None and not read_cookie(request):
        return
    if origin != f"http://{request.headers['Host']}":
        raise Problem(
            403, "wrong_origin", "a request that changes something must come from this site's own pages"
        )
