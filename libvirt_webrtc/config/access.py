"""Where the portal listens."""

from dataclasses import dataclass
from ipaddress import ip_address

from libvirt_webrtc.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A loopback address and a port."""

    host: str = "127.0.0.1"
    port: int = 8080

    @classmethod
    def parse(cls, text: str) -> "ListenAddress":
        """From ``HOST:PORT`` (``[::1]:8080`` for IPv6).

        Only loopback addresses are taken: the portal speaks plain HTTP, and a login must not cross a network in the
        clear.

        Raises:
            ConfigError: says what to write.
        """
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
            raise ConfigError(f"listen = {text!r} is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
        if not is_loopback(host):
            raise ConfigError(
                f"listen = {text!r} is refused: the portal has no TLS yet, so logins and keystrokes would "
                "cross the network in the clear. Listen on 127.0.0.1 and reach it through a tunnel: "
                f"ssh -L {port}:127.0.0.1:{port} HOST"
            )
        return cls(host, int(port))

    @property
    def authority(self) -> str:
        """``host:port``, as it stands in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
