"""Where the portal listens."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from libvirt_webrtc.errors import ConfigError

_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\Z")


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """An address or host name, and a port."""

    host: str = "127.0.0.1"
    port: int = 8080

    @classmethod
    def parse(cls, text: str) -> "ListenAddress":
        """From ``HOST:PORT`` (``[::1]:8080`` for IPv6).

        Raises:
            ConfigError: says what to write.
        """
        host, colon, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        bracketed = host != bare
        if not colon or not port.isdecimal() or not port.isascii() or int(port) > 65535:
            raise ConfigError(f"listen = {text!r} is not HOST:PORT, such as 127.0.0.1:8080 or [::]:8443")
        if host == "*":
            raise ConfigError(f"listen = {text!r}: for all addresses write [::]:{port}, or 0.0.0.0:{port}")
        if host != (f"[{bare}]" if ":" in bare else bare) or not _is_host(bare):
            what = "an IPv6 address in brackets" if ":" in bare or bracketed else "an address or host name"
            raise ConfigError(f"listen = {text!r} does not begin with {what}, such as [::]:8443")
        return cls(bare, int(port))

    @property
    def authority(self) -> str:
        """``host:port``, as it stands in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)

    @property
    def is_everywhere(self) -> bool:
        """Whether it means all of the machine's addresses."""
        return _is_address(self.host) and ip_address(self.host).is_unspecified


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be reached from this machine."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_host(text: str) -> bool:
    # What looks like an IPv4 address is one, or a mistake.
    return _is_address(text) or (bool(_NAME.match(text)) and not text.replace(".", "").isdecimal())


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
