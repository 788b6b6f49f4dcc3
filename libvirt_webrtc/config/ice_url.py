"""A STUN or TURN URL in its parts."""

import re
from dataclasses import dataclass
from ipaddress import ip_address

_URL = re.compile(
    r"(?P<scheme>stuns?|turns?):(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/?\[\]]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A STUN or TURN URL (RFC 7064, RFC 7065) in its parts."""

    scheme: str
    host: str
    port: int
    transport: str

    @classmethod
    def parse(cls, url: str) -> "Target | None":
        """None where it is no such URL, or its port is out of range."""
        found = _URL.fullmatch(url)
        if found is None or not 1 <= int(found["port"] or 1) <= 65535:
            return None
        secure = found["scheme"].endswith("s")
        return cls(
            found["scheme"],
            found["host"].strip("[]"),
            int(found["port"] or (5349 if secure else 3478)),
            found["transport"] or ("tcp" if secure else "udp"),
        )

    @property
    def is_named(self) -> bool:
        """Whether the host is a name, which has to be resolved, and no address."""
        try:
            ip_address(self.host)
        except ValueError:
            return True
        return False
