"""Signing in by the word of a reverse proxy that has let its user in already."""

from aiohttp import web

from libvirt_webrtc.config.proxy_sign_in import ProxySignInConfig
from libvirt_webrtc.config.sign_in import SignInConfig
from libvirt_webrtc.errors import SignInRefused
from libvirt_webrtc.portal.addresses import peer_of
from libvirt_webrtc.portal.audit import signed_in, signing_in
from libvirt_webrtc.portal.auth.cookie import set_cookie
from libvirt_webrtc.portal.auth.names import MAX_GROUPS, is_name
from libvirt_webrtc.portal.auth.session import ABSOLUTE_S
from libvirt_webrtc.portal.auth.sessions import Sessions
from libvirt_webrtc.portal.auth.user import Method, User
from libvirt_webrtc.portal.problems import Problem


class ProxySignInRoutes:
    """The header for a session. Everywhere else it counts for nothing, whoever sends it."""

    def __init__(self, config: SignInConfig, sessions: Sessions) -> None:
        self._config = config.proxy if "proxy" in config.methods else None
        self._sessions = sessions

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_post("/api/session/proxy", self.finish)

    async def finish(self, request: web.Request) -> web.Response:
        """``POST /api/session/proxy``: the header for a cookie and a key."""
        if self._config is None:
            raise Problem(404, "no_such_method", "signing in by a proxy's header is not set up here")
        signing_in(request, None, Method.PROXY)
        user = user_by_header(request, self._config)
        made = await self._sessions.start(user)
        signed_in(request, user.name, Method.PROXY, made.id)
        response = web.json_response({"key": made.key, "next": ""})
        set_cookie(response, request, made.cookie, ABSOLUTE_S)
        return response


def user_by_header(request: web.Request, config: ProxySignInConfig) -> User:
    """Who the proxy says its user is.

    Raises:
        SignInRefused: the request does not come from the proxy, or the proxy names nobody.
    """
    peer = peer_of(request)
    if not config.trusts(peer):
        raise SignInRefused(
            f"this came from {peer}, which is not in [sign_in.proxy] from: open the portal through its proxy"
        )
    names = request.headers.getall(config.user_header, [])
    if len(names) != 1 or not is_name(names[0]):
        # Two: the proxy added its own to what a client had sent.
        raise SignInRefused(f"the proxy has to send {config.user_header} once, with a user's name")
    groups: frozenset[str] = frozenset()
    if config.groups_header is not None:
        listed = ",".join(request.headers.getall(config.groups_header, []))
        groups = frozenset(group for part in listed.split(",") if (group := part.strip()))
        if len(groups) > MAX_GROUPS or not all(map(is_name, groups)):
            raise SignInRefused(
                f"the proxy's {config.groups_header} is no list of groups with commas between them"
            )
    return User(names[0], Method.PROXY, groups)
