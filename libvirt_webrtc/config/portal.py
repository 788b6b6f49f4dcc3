"""The settings of ``[portal]``: under which address users reach it, and through which proxies."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from libvirt_webrtc.config.networks import Network, networks_from
from libvirt_webrtc.errors import ConfigError

_EXAMPLE = '"https://vm.example.org/" or "https://vm.example.org/console/"'
_PATH = re.compile(r"/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """The address that users type."""

    scheme: str
    host: str
    """In lower case, as browsers send it; of an IPv6 address without brackets."""
    port: int
    path: str = "/"
    """Begins and ends with a slash."""

    @classmethod
    def parse(cls, text: str, where: str) -> "PublicUrl":
        """From a URL. Raises ConfigError, which says what to write."""
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise ConfigError(f"{where} = {text!r} is no URL ({error}); write {_EXAMPLE}") from error
        if parts.scheme not in _DEFAULT_PORTS or not host:
            raise ConfigError(f"{where} = {text!r} is no URL of a site; write {_EXAMPLE}")
        if parts.username is not None or parts.query or parts.fragment or not host.isascii():
            raise ConfigError(
                f"{where} = {text!r} has more than a host in ASCII, a port and a path; write {_EXAMPLE}"
            )
        path = parts.path if parts.path.endswith("/") else parts.path + "/"
        if not _PATH.fullmatch(path):
            raise ConfigError(
                f"{where}: the path {path!r} must be of letters, digits and . _ ~ - between slashes"
            )
        if path.startswith("/static/"):
            raise ConfigError(
                f"{where}: the path cannot begin with /static/, which is one of the portal's own"
            )
        return cls(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], path)

    @property
    def authority(self) -> str:
        """``host``, or ``host:port`` where the port is not the scheme's own: what a browser's ``Host`` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """What a browser's ``Origin`` says."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        return self.origin + self.path


@dataclass(frozen=True, slots=True)
class PortalConfig:
    """How users reach the portal where that is not by its own address."""

    public_url: PublicUrl | None = None
    trusted_proxies: tuple[Network, ...] = ()
    """Whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""


def portal_from_table(value: object, where: str) -> PortalConfig:
    """The ``[portal]`` table of the file; ``where`` says where it stands.

    Raises:
        ConfigError: says what to write.
    """
    if not isinstance(value, dict) or not value.keys() <= {"public_url", "trusted_proxies"}:
        raise ConfigError(f"{where} must be a table with 'public_url' and 'trusted_proxies'")
    text = value.get("public_url")
    if text is not None and not isinstance(text, str):
        raise ConfigError(f"{where}.public_url must be a string such as {_EXAMPLE}")
    public = None if text is None else PublicUrl.parse(text, f"{where}.public_url")
    proxies = networks_from(value.get("trusted_proxies", []), f"{where}.trusted_proxies")
    if proxies and public is None:
        raise ConfigError(
            f"{where}.trusted_proxies needs public_url, the address that users type: public_url = {_EXAMPLE}"
        )
    return PortalConfig(public, proxies)
