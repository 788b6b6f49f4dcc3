"""A STUN or TURN URL in its parts."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from libvirt_webrtc.errors import ConfigError

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_IN_BRACKETS = re.compile(r"\[(?P<host>[^\]]*)\](?::(?P<port>.*))?")
_FORMS = "write stun:HOST, turn:HOST or turns:HOST, each with :PORT where it is not the usual one"

BLOCKED_PORTS = frozenset(
    map(
        int,
        """
        1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123
        135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990
        993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080
        """.split(),
    )
)
"""The ports to which Firefox makes no connection (the Fetch standard's bad ports), but 53, which it allows here."""


@dataclass(frozen=True, slots=True)
class Target:
    """A STUN or TURN URL (RFC 7064, RFC 7065) in its parts."""

    scheme: str
    host: str
    """A name, or an address, which is in no brackets."""
    port: int
    transport: str

    @classmethod
    def parse(cls, url: str) -> "Target":
        """Read a URL that browsers and aioice both take: one that either refuses would end every connection.

        Raises:
            ConfigError: it is none, with what to write in its place.
        """
        scheme, colon, rest = url.partition(":")
        scheme = scheme.lower()
        if not colon or scheme not in ("stun", "stuns", "turn", "turns"):
            raise _refused(url, "it is no STUN or TURN URL", _FORMS)
        if scheme == "stuns":
            raise _refused(
                url, "Firefox refuses STUN over TLS, and every connection with it", "write stun:HOST"
            )
        if rest.startswith("//"):
            raise _refused(url, "no slashes come before the host", f"write {scheme}:{rest.lstrip('/')}")
        if "@" in rest:
            raise _refused(
                url,
                "no user stands in it",
                "write the user as 'username' beside 'urls', and the password as 'credential'",
            )
        authority, question, query = rest.partition("?")
        transport = "tcp" if scheme.endswith("s") else "udp"
        if question:
            transport = _transport(url, scheme, authority, query)
        host, port = _authority(url, scheme, authority)
        return cls(scheme, host, port or (5349 if scheme.endswith("s") else 3478), transport)

    def __str__(self) -> str:
        """The URL in the form that all browsers take: Firefox takes small letters only."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        query = f"?transport={self.transport}" if self.is_turn else ""
        return f"{self.scheme}:{host}:{self.port}{query}"

    @property
    def is_turn(self) -> bool:
        """Whether it is a server that relays."""
        return self.scheme.startswith("turn")

    @property
    def is_named(self) -> bool:
        """Whether the host is a name, which has to be resolved, and no address."""
        try:
            ip_address(self.host)
        except ValueError:
            return True
        return False

    @property
    def is_for_browsers_only(self) -> bool:
        """Whether aioice cannot use it: TURN over DTLS."""
        return self.scheme == "turns" and self.transport == "udp"


def _transport(url: str, scheme: str, authority: str, query: str) -> str:
    if scheme.startswith("stun"):
        raise _refused(url, "a STUN URL has no '?'", f"write {scheme}:{authority}")
    key, _, value = query.partition("=")
    if key.lower() != "transport" or value.lower() not in ("udp", "tcp"):
        raise _refused(
            url, "after '?' only a transport can stand", "write ?transport=udp or ?transport=tcp, or nothing"
        )
    return value.lower()


def _authority(url: str, scheme: str, text: str) -> tuple[str, int | None]:
    """The host, checked, and the port, which is None where there is none."""
    bracketed = _IN_BRACKETS.fullmatch(text)
    if bracketed is not None:
        host, port = bracketed["host"], bracketed["port"]
        _check_ipv6(url, host)
    elif text.count(":") > 1:
        _check_ipv6(url, text)
        raise _refused(url, "an IPv6 address stands in brackets", f"write {scheme}:[{text}]")
    else:
        host, colon, after = text.partition(":")
        port = after if colon else None
        _check_name(url, scheme, host)
    if port is None:
        return host, None
    if not (port.isascii() and port.isdecimal() and 1 <= int(port[:6]) <= 65535 and len(port) <= 5):
        raise _refused(
            url, f"{port!r} is no port", "write a number from 1 to 65535 after the colon, or no colon"
        )
    if int(port) in BLOCKED_PORTS:
        raise _refused(
            url,
            f"Firefox refuses port {port}, and every connection with it",
            "have the server listen on another",
        )
    return host, int(port)


def _check_ipv6(url: str, host: str) -> None:
    if "%" in host:
        raise _refused(
            url,
            "an address with a zone means something on one machine only",
            "write another address of the server",
        )
    try:
        IPv6Address(host)
    except ValueError:
        raise _refused(url, f"{host!r} is no IPv6 address", "write one such as [2001:db8::1]") from None


def _check_name(url: str, scheme: str, host: str) -> None:
    if not host.isascii():
        try:
            advice = f"write {scheme}:{host.encode('idna').decode()}"
        except UnicodeError:
            advice = "write it in its ASCII form, which begins with xn--"
        raise _refused(url, f"{host!r} is not ASCII", advice)
    if _NAME.fullmatch(host) is None or len(host) > 253:
        raise _refused(url, f"{host!r} is no host", _FORMS)
    if host.rstrip(".").rpartition(".")[2].isdecimal():
        try:
            IPv4Address(host)
        except ValueError:
            raise _refused(url, f"{host!r} is no IPv4 address", "write four numbers from 0 to 255") from None


def _refused(url: str, reason: str, advice: str) -> ConfigError:
    return ConfigError(f"ICE server {url!r}: {reason}; {advice}")
