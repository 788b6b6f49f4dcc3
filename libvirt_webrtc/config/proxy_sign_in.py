"""The settings of ``[sign_in.proxy]``: the header by which a reverse proxy says who its user is."""

import re
from dataclasses import dataclass
from ipaddress import ip_network

from libvirt_webrtc.config.networks import Network, is_among, networks_from
from libvirt_webrtc.errors import ConfigError

DEFAULT_USER_HEADER = "X-Remote-User"

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"))

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")

_BROWSERS_OWN = frozenset(
    {"authorization", "cookie", "host", "origin", "referer", "session-key", "user-agent"}
)
"""Headers that a browser sends by itself: they say nothing about who a proxy let in."""


@dataclass(frozen=True, slots=True)
class ProxySignInConfig:
    """Whose word is taken for who a user is."""

    sources: tuple[Network, ...]
    """Addresses of proxies that send the headers themselves and take away what clients sent by their names."""
    user_header: str = DEFAULT_USER_HEADER
    groups_header: str | None = None
    """Groups, with commas between them; None: no groups."""

    def trusts(self, address: str | None) -> bool:
        """Whether a connection from ``address`` is such a proxy's."""
        return is_among(address or "", self.sources)

    @property
    def trusts_this_machine(self) -> bool:
        """Whether every program of this machine can pass for the proxy."""
        return any(
            own.version == network.version and own.overlaps(network)
            for own in _LOOPBACK
            for network in self.sources
        )


def proxy_sign_in_from_table(value: object, where: str) -> ProxySignInConfig:
    """The ``[sign_in.proxy]`` table of the file; ``where`` says where it stands.

    Raises:
        ConfigError: says what to write.
    """
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a table")
    for key in value:
        if key not in ("from", "user_header", "groups_header"):
            raise ConfigError(f"{where}.{key}: unknown setting; known are from, user_header, groups_header")
    sources = networks_from(value.get("from", []), f"{where}.from")
    if not sources:
        raise ConfigError(f'{where}.from must be an array with the proxy\'s addresses, such as ["10.0.0.2"]')
    groups = value.get("groups_header")
    return ProxySignInConfig(
        sources,
        _header(value.get("user_header", DEFAULT_USER_HEADER), f"{where}.user_header"),
        None if groups is None else _header(groups, f"{where}.groups_header"),
    )


def _header(value: object, where: str) -> str:
    if not isinstance(value, str) or not _HEADER.fullmatch(value):
        raise ConfigError(f"{where} must be the name of a header, such as X-Remote-User")
    if value.lower() in _BROWSERS_OWN:
        raise ConfigError(f"{where} is {value!r}, which every browser sends; have the proxy send another")
    return value
