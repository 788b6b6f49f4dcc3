"""Who a reverse proxy says its user is: read from a header of requests that come from the proxy itself."""

from aiohttp import web

from libvirt_webrtc.config.proxy_sign_in import ProxySignInConfig
from libvirt_webrtc.config.sign_in import SignInConfig
from libvirt_webrtc.errors import SignInRefused
from libvirt_webrtc.portal.addresses import peer_of
from libvirt_webrtc.portal.auth.names import MAX_GROUPS, is_name
from libvirt_webrtc.portal.auth.user import Method, User
from libvirt_webrtc.portal.problems import Problem


class ProxyHeader:
    """Believes the header of the proxies that the settings name, and of nobody else."""

    def __init__(self, config: SignInConfig) -> None:
        self._config = config.proxy if "proxy" in config.methods else None

    def user(self, request: web.Request) -> User:
        """Who the proxy says its user is.

        Raises:
            Problem: this way of signing in is off.
            SignInRefused: the request does not come from the proxy, or the proxy names nobody.
        """
        config = self._config
        if config is None:
            raise Problem(404, "method_off", "signing in by a proxy's header is not switched on here")
        if not config.trusts(peer_of(request)):
            raise SignInRefused(
                f"this came from {peer_of(request)}, which is not in [sign_in.proxy] from: open the portal through "
                "its proxy"
            )
        name = _name(request, config)
        if name is None:
            raise SignInRefused(f"the proxy has to send {config.user_header} once, with a user's name")
        return User(name, Method.PROXY, _groups(request, config))

    def contradicts(self, request: web.Request, user: User) -> bool:
        """Whether a request of ``user``'s session came through the proxy for somebody else, or for nobody any more."""
        config = self._config
        if config is None or user.method is not Method.PROXY or not config.trusts(peer_of(request)):
            return False
        return _name(request, config) != user.name


def _name(request: web.Request, config: ProxySignInConfig) -> str | None:
    names = request.headers.getall(config.user_header, [])
    # Two: the proxy added its own to what a client had sent.
    return names[0] if len(names) == 1 and is_name(names[0]) else None


def _groups(request: web.Request, config: ProxySignInConfig) -> frozenset[str]:
    if config.groups_header is None:
        return frozenset()
    lists = request.headers.getall(config.groups_header, [])
    if len(lists) > 1:
        # The proxy added its own to what a client had sent.
        raise SignInRefused(f"the proxy has to send {config.groups_header} once, with all the groups")
    groups = frozenset(group for part in ",".join(lists).split(",") if (group := part.strip()))
    if len(groups) > MAX_GROUPS or not all(map(is_name, groups)):
        raise SignInRefused(
            f"the proxy's {config.groups_header} is no list of groups with commas between them"
        )
    return groups
