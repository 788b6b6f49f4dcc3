"""Signing in by an OpenID provider: to it, back from it, and the session for who it says it is."""

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from libvirt_webrtc.errors import ProviderUnavailable, SignInRefused
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.portal.addresses import arrival_of, client_of, remote_of
from libvirt_webrtc.portal.audit import signed_in, signing_in
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.cookie import CookieUse, read_cookie, set_cookie
from libvirt_webrtc.portal.auth.session import ABSOLUTE_S, Clock, Session
from libvirt_webrtc.portal.auth.sessions import MAX_SESSIONS, Sessions
from libvirt_webrtc.portal.auth.user import Method, User
from libvirt_webrtc.portal.body import read_text
from libvirt_webrtc.portal.oidc.pending import PENDING_S, PendingLogins
from libvirt_webrtc.portal.oidc.provider import OidcIdentity, OidcProvider
from libvirt_webrtc.portal.problems import BUSY_RETRY_S, Problem
from libvirt_webrtc.portal.routes.paths import CALLBACK

log = logging.getLogger(__name__)

MAX_ASKING = 32
"""Sign-ins that wait for the provider at the same time; each holds a connection to it."""
MAX_ASKING_PER_CLIENT = 8

_ERROR = re.compile(r"[a-z_]{1,64}")
_WORDS = {
    "access_denied": "the sign-in provider says that access was denied",
    "temporarily_unavailable": "the sign-in provider cannot be reached at present: try again in a while",
    "server_error": "the sign-in provider has failed: try again in a while",
}


class OidcRoutes:
    """One provider's sign-ins.

    Args:
        provider: None where this way of signing in is not set up.
        access: whoever it does not name is not let in.
        clock: seconds that never jump.
    """

    def __init__(
        self, provider: OidcProvider | None, sessions: Sessions, access: Access, clock: Clock
    ) -> None:
        self._provider = provider
        self._access = access
        self._sessions = sessions
        self._pending = PendingLogins(clock)
        self._asking: Counter[str] = Counter()
        self._id_tokens: dict[str, str] = {}
        self._failing, self._refused = LimitedLogger(log), LimitedLogger(log)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_get("/login/oidc", self.begin)
        router.add_post("/api/session/oidc", self.finish)

    async def begin(self, request: web.Request) -> web.Response:
        """``GET /login/oidc``: a browser goes to the provider, or to our page that says why it cannot."""
        provider = self._configured()
        base = arrival_of(request).base
        pending, cookie = self._pending.begin(base + CALLBACK[1:], request.query.get("next", ""))
        try:
            url = await provider.authorization_url(pending)
        except ProviderUnavailable as error:
            self._failing.warning("nobody can sign in by OpenID Connect: %s", error)
            url = "oidc/callback?error=temporarily_unavailable"  # seen from here: a proxy may serve us in a folder
        response = web.Response(status=303, headers={"Location": url})
        set_cookie(response, request, cookie, PENDING_S, CookieUse.OIDC)
        return response

    async def finish(self, request: web.Request) -> web.Response:
        """``POST /api/session/oidc``: what the provider sent along, for a cookie and a key."""
        provider = self._configured()
        signing_in(request, None, Method.OIDC)
        came = _answer_of(await read_text(request))
        if "error" in came:
            raise SignInRefused(_words(came["error"]))
        pending = self._pending.finish(read_cookie(request, CookieUse.OIDC), came.get("state", ""))
        with self._one_more(client_of(remote_of(request))):
            try:
                identity = await provider.identify(pending, came.get("code", ""), came.get("iss"))
            except SignInRefused as error:
                # Most often it is for the operator to mend, as a claim that the provider does not send.
                self._refused.warning("a sign-in by OpenID Connect is refused: %s", error)
                raise
        user = User(identity.name, Method.OIDC, identity.groups)
        signing_in(request, user.name, Method.OIDC)
        self._access.check_named(user)
        made = await self._sessions.start(user)
        self._keep(made.id, identity)
        signed_in(request, identity.name, Method.OIDC, made.id)
        response = web.json_response({"key": made.key, "next": pending.next})
        set_cookie(response, request, made.cookie, ABSOLUTE_S)
        set_cookie(response, request, "", 0, CookieUse.OIDC)
        return response

    async def sign_out_url(self, request: web.Request, session: Session) -> str | None:
        """Where the provider ends its own session, for one that is ending here; None: it has no part in it."""
        if self._provider is None or session.user.method is not Method.OIDC:
            return None
        id_token = self._id_tokens.pop(session.id, None)
        return await self._provider.sign_out_url(id_token, arrival_of(request).base + "login")

    def _configured(self) -> OidcProvider:
        if self._provider is None:
            raise Problem(404, "method_off", "signing in by OpenID Connect is not switched on here")
        return self._provider

    @contextmanager
    def _one_more(self, client: str) -> Iterator[None]:
        if self._asking.total() >= MAX_ASKING or self._asking[client] >= MAX_ASKING_PER_CLIENT:
            message = "too many people sign in at this moment: try again"
            raise Problem(503, "busy", message, retry_after_s=BUSY_RETRY_S)
        self._asking[client] += 1
        try:
            yield
        finally:
            self._asking[client] -= 1
            self._asking += Counter()  # forgets clients without any

    def _keep(self, session_id: str, identity: OidcIdentity) -> None:
        self._id_tokens[session_id] = identity.id_token
        if len(self._id_tokens) > MAX_SESSIONS:
            del self._id_tokens[next(iter(self._id_tokens))]


def _answer_of(body: str) -> dict[str, str]:
    """The parameters that the provider gave the browser, as the page sends them."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    # All that the standards allow in them (RFC 6749, appendix A).
    if not isinstance(found, dict) or not all(
        isinstance(value, str) and value.isascii() and value.isprintable() for value in found.values()
    ):
        raise Problem(400, "bad_request", 'the body must be {"code": "...", "state": "..."}')
    return found


def _words(error: str) -> str:
    """An error code of the provider's for people; it comes from the address, and so from anybody."""
    if error in _WORDS:
        return _WORDS[error]
    if _ERROR.fullmatch(error) is None:
        return "the sign-in provider refuses, without a reason that could be shown"
    return f"the sign-in provider refuses with {error}"
