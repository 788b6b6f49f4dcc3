"""Which of the addresses that a viewer names are sent checks, and how many.

ICE makes this host send datagrams to addresses of the viewer's choice (RFC 8445, 19.5.1), so they are few. Most are not
needed at all: the browser checks our addresses, and its checks tell where it is. Ours open the way where both sides are
behind a NAT, and at a relay.
"""

from ipaddress import IPv6Address, ip_address
from typing import Any

import aioice.ice

from libvirt_webrtc.media.aiortc_ext.patching import replace

MAX_CHECKED = 16
"""Candidates of one offer that are checked. Browsers offer up to about ten over UDP."""

MAX_PAIRS = 100
"""Pairs of addresses of one connection, those included that its viewer's checks came from (RFC 8445, 6.1.2.5)."""

CHECK_RETRANSMISSIONS = 2
"""How often a check is repeated, at 0.5 and 1.5 s: aioice repeats it six times, in 32 s. A check of the viewer's begins
ours anew."""

_COMPONENT = "1"
_RANKS = {"relay": 0, "srflx": 1, "prflx": 1}
"""What is kept first of too many: those that cannot be reached without a check of ours. All others have rank 2."""


def limit_candidates(offer_sdp: str) -> str:
    """An offer without the candidates that are not to be checked.

    Taken out are names (browsers hide their addresses behind ``NAME.local``), TCP, addresses that mean this host or
    everybody (loopback, link-local, unspecified, multicast), and ports below 1024 but 80 and 443 (as Chromium does).
    A viewer that really is at such an address is met all the same: by its own checks. Of the rest MAX_CHECKED stay.

    A line that is no candidate stays, for who parses the offer to refuse.
    """
    lines = offer_sdp.splitlines(keepends=True)
    ranked: list[tuple[int, int]] = []
    dropped = set()
    for number, line in enumerate(lines):
        if not line.startswith("a=candidate:"):
            continue
        parts = line.split()
        if len(parts) < 8:
            continue
        if _may_be_checked(component=parts[1], transport=parts[2], host=parts[4], port=parts[5]):
            ranked.append((_RANKS.get(parts[7], 2), number))
        else:
            dropped.add(number)
    dropped.update(number for _, number in sorted(ranked)[MAX_CHECKED:])
    return "".join(line for number, line in enumerate(lines) if number not in dropped)


def limit_checks() -> None:
    """Repeat checks CHECK_RETRANSMISSIONS times, and hear no check from a new address beyond MAX_PAIRS.

    A viewer may check from any number of addresses, which can be forged, and each would be checked in return.
    """

    async def request(
        self: Any,
        request: aioice.stun.Message,
        addr: tuple[str, int],
        integrity_key: bytes | None = None,
        retransmissions: int | None = None,
    ) -> Any:
        if retransmissions is None:
            retransmissions = CHECK_RETRANSMISSIONS
        return await send(self, request, addr, integrity_key, retransmissions)

    def request_received(
        self: Any, message: aioice.stun.Message, addr: tuple[str, int], protocol: aioice.ice.StunProtocol
    ) -> None:
        pairs = self._check_list
        if len(pairs) < MAX_PAIRS or any(p.protocol is protocol and p.remote_addr == addr for p in pairs):
            hear(self, message, addr, protocol)

    send = replace(aioice.ice.StunProtocol, "request", request)
    hear = replace(aioice.ice.Connection, "request_received", request_received)


def _may_be_checked(*, component: str, transport: str, host: str, port: str) -> bool:
    try:
        address, number = ip_address(host), int(port)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return (
        component == _COMPONENT
        and transport.lower() == "udp"
        and (1024 <= number <= 65535 or number in (80, 443))
        and not (
            address.is_loopback
            or address.is_link_local
            or address.is_unspecified
            or address.is_multicast
            or str(address) == "255.255.255.255"
        )
    )
