"""Decides whether a request may pass: by session or Bearer token, only from the portal's own pages, and by role."""

from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from libvirt_webrtc.agent.grant import Grant, Role
from libvirt_webrtc.agent.interface import Action, Agent
from libvirt_webrtc.errors import NoSuchDomain
from libvirt_webrtc.portal.audit import identify
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.cookie import read_cookies, read_key
from libvirt_webrtc.portal.auth.proxy_header import ProxyHeader
from libvirt_webrtc.portal.auth.session import Session
from libvirt_webrtc.portal.auth.sessions import Sessions
from libvirt_webrtc.portal.auth.throttle import Throttle
from libvirt_webrtc.portal.auth.token import Token
from libvirt_webrtc.portal.auth.user import TOKEN_USER, Method, User
from libvirt_webrtc.portal.connections import connection_of
from libvirt_webrtc.portal.issued.live import IssuedSecrets
from libvirt_webrtc.portal.issued.secret_text import TOKEN_PREFIX, is_whole
from libvirt_webrtc.portal.problems import Problem
from libvirt_webrtc.portal.routes.rights import ACTIONS, FOR_LINKS, ROUTES, Need
from libvirt_webrtc.portal.site import check_origin

_SESSION = web.RequestKey("session", Session)
_ROLE = web.RequestKey("role", Role)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Finds the session of each request, and its role where it is about a domain, or refuses it."""

    def __init__(
        self,
        token: str | None,
        sessions: Sessions,
        issued: IssuedSecrets,
        proxy_header: ProxyHeader,
        throttle: Throttle,
        access: Access,
        agent: Agent,
    ) -> None:
        self._access = access
        self._agent = agent
        self._token = None if token is None else Token(token)
        self._sessions = sessions
        self._issued = issued
        self._proxy_header = proxy_header
        self._throttle = throttle

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let public and signed-in requests through; :func:`session_of` has the latter's session."""
        if request.match_info.http_exception is not None:
            return await handler(request)  # no such path or method: nothing to protect
        resource = request.match_info.route.resource
        route = "" if resource is None else resource.canonical
        asked = ("GET" if request.method == "HEAD" else request.method, route)
        need = ROUTES.get(asked)
        if need is None:
            raise Problem(403, "no_right", f"{request.method} {route} is in no list of rights: a defect")
        # Where nobody has to be anybody, nobody looks at it: then it is no token of a program's, whatever it says.
        by_token = "Authorization" in request.headers and need is not Need.PUBLIC
        # Browsers let any page begin a WebSocket, with our cookie.
        if (request.method not in _READING or "Upgrade" in request.headers) and not by_token:
            check_origin(request)
        self._note_cookie(request)
        if need is Need.PUBLIC:
            return await handler(request)
        session = await (self._bearer(request) if by_token else self._by_cookie(request))
        if session is not None:
            request[_SESSION] = session
            identify(request, session.user.name, session.user.method, session.id)
            connection_of(request).claim(session, program=by_token)
            if not _is_for(session.user, request, asked):
                raise Problem(403, "not_by_link", "a share link opens its console, and nothing else")
            self._check_role(request, session, need)
            return await handler(request)
        if need is Need.PAGE:
            users = map(self._sessions.page_user, read_cookies(request))
            if any(user is not None and _is_for(user, request, asked) for user in users):
                return await handler(request)
        if need is not Need.PAGE:
            raise Problem(401, "not_signed_in", "sign in first, or send Authorization: Bearer TOKEN")
        return web.Response(status=303, headers={"Location": _login(request)})

    def _note_cookie(self, request: web.Request) -> None:
        """Keep strangers from pushing out the connections on which a signed-in browser loads pages and scripts.

        They count apart from those that had the key too: whoever else has the cookie does not push those out.
        """
        connection = connection_of(request)
        if connection.owner is None:
            known = map(self._sessions.pages, read_cookies(request))
            if (pages := next(filter(None, known), None)) is not None:
                connection.claim(pages)

    async def check_token(self, request: web.Request, guess: str, message: str) -> None:
        """Return at once where ``guess`` is the token, whatever else came from the same address.

        Raises:
            Problem: it is not; ``message`` says so. Held back for a second after too many wrong ones.
        """
        if self._token is None or not self._token.matches(guess):
            raise await self._throttle.refuse(request, TOKEN_USER.name, message)

    async def _by_cookie(self, request: web.Request) -> Session | None:
        key = read_key(request)
        found = (self._sessions.find(cookie, key) for cookie in read_cookies(request))
        session = next(filter(None, found), None)
        if session is not None and self._proxy_header.contradicts(request, session.user):
            await self._sessions.end_where(lambda each: each is session)
            return None
        return session

    async def _bearer(self, request: web.Request) -> Session:
        scheme, _, guess = request.headers["Authorization"].partition(" ")
        if scheme.lower() != "bearer":
            raise Problem(401, "not_signed_in", "the only Authorization that is taken is Bearer TOKEN")
        text = guess.strip()
        if (session := await self._issued.token_session(text)) is not None:
            return session
        message = "the Bearer token is neither the server's nor an API token that is in force"
        if text.startswith(TOKEN_PREFIX) and not is_whole(text, TOKEN_PREFIX):
            message += ", and part of it is missing or mistyped"
        await self.check_token(request, text, message)
        return self._sessions.bearer

    def _check_role(self, request: web.Request, session: Session, need: Need | Role) -> None:
        """Raises NoSuchDomain where the domain is not shown to this user, Problem where the role is too low."""
        if need is Need.ANY_DOMAIN and not self._access.has_any(session.user, self._agent.list().domains):
            raise Problem(403, "no_role", "you have no role for any of the domains here, and so no console")
        if need is Need.ACTION:
            need = _action_needs(request.match_info["action"])
        if not isinstance(need, Role):
            return
        uuid = request.match_info["uuid"].lower()
        domain = next((domain for domain in self._agent.list().domains if domain.uuid == uuid), None)
        role = None if domain is None else self._access.role(session.user, domain)
        if role is None:
            raise NoSuchDomain(f"there is no domain with the UUID {uuid}")
        if role < need:
            message = f"this needs the role {need!s} for the domain, and yours is {role!s}"
            raise Problem(403, "role_too_low", message)
        request[_ROLE] = role


def grant_of(request: web.Request) -> Grant:
    """What the request's user may do with the domain of its path, for a route that needs a role."""
    return session_of(request).grant(request[_ROLE])


def session_of(request: web.Request) -> Session:
    """The session that the middleware found."""
    return request[_SESSION]


def _is_for(user: User, request: web.Request, asked: tuple[str, str]) -> bool:
    """Whether this kind of user may ask for such a thing at all."""
    if user.method is not Method.LINK:
        return True
    uuid = request.match_info.get("uuid")
    own = user.limit is not None and uuid is not None and uuid.lower() in user.limit.domains
    return asked in FOR_LINKS and (uuid is None or own)


def _action_needs(name: str) -> Role:
    try:
        return ACTIONS[Action(name)]
    except ValueError as error:
        raise Problem(404, "no_such_action", 'a domain\'s "actions" tells what there is') from error


def _login(request: web.Request) -> str:
    """The login page and the way back, relative to the page: a reverse proxy may have put that into a folder.

    Where a share link opened the page, that one is over, and nobody can sign in by it again.
    """
    page = request.match_info
    up, here = ("../", f"console/{page['uuid']}") if "uuid" in page else ("", "")
    if up and "link" in request.query:
        return f"{up}share#over"
    query = request.query_string
    return f"{up}login?" + urlencode({"next": f"{here}?{query}" if query else here})
