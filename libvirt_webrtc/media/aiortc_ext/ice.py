"""Which addresses are offered, whose datagrams are accepted, and how far away the peer is."""

import asyncio
import ipaddress
import logging
import struct
from collections.abc import Sequence
from typing import Any

import aioice.ice

from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.media.aiortc_ext.patching import replace
from libvirt_webrtc.media.aiortc_ext.routes import source_address

_unroutable = LimitedLogger(logging.getLogger(__name__))

_aioices_choice = aioice.ice.get_host_addresses
_LOOPBACK = "127.0.0.1"

MAX_DATAGRAM = 1500
"""The longest datagram that is read, in bytes: pylibsrtp raises a ValueError for more. Browsers send about 1,200, and
Ethernet carries no more."""

_named: tuple[str, ...] | None = None
_loopback = False


def set_host_addresses(addresses: Sequence[str] | None) -> None:
    """Offer these IP addresses only; with None, aioice's choice: all of this host's but loopback.

    Those that are not this host's are others' names for it: behind a router that maps them to it (1:1 NAT) they are
    offered in the place of the address that leads there. What is this host's is asked at each gathering. This holds
    for connections made from here on, in the whole process, and takes :func:`offer_loopback` back.

    Raises:
        ConfigError: one of them is not an IP address.
    """
    global _named, _loopback
    try:
        checked = None if addresses is None else tuple(str(ipaddress.ip_address(a)) for a in addresses)
    except ValueError as error:
        raise ConfigError(f"ICE candidates need IP addresses: {error}") from error
    _named, _loopback = checked, False


def offer_loopback() -> None:
    """Offer this host's loopback address as well, before all others."""
    global _loopback
    _loopback = True


def machine_addresses() -> list[str]:
    """The addresses of this host, without loopback."""
    return [str(ipaddress.ip_address(each)) for each in _aioices_choice(True, True)]


def offered_addresses() -> dict[str, tuple[str, ...]]:
    """The addresses of this host to gather on now, each with what it is offered as."""
    offered: dict[str, list[str]] = {_LOOPBACK: [_LOOPBACK]} if _loopback else {}
    own = machine_addresses()
    for address in own if _named is None else _named:
        if address in own or ipaddress.ip_address(address).is_loopback:
            base: str | None = address
        else:
            base = source_address(address)
        if base is None:
            _unroutable.warning("%s of ice.addresses is not offered: this host has no way there", address)
        else:
            seen = offered.setdefault(base, [])
            seen += [] if address in seen else [address]
    return {base: tuple(seen) for base, seen in offered.items()}


def name_host_addresses() -> None:
    """Let the operator name the addresses: aioice takes every address of the host but loopback."""

    def get_host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        wanted = {4: use_ipv4, 6: use_ipv6}
        return [base for base in offered_addresses() if wanted[ipaddress.ip_address(base).version]]

    replace(aioice.ice, "get_host_addresses", get_host_addresses)


def drop_foreign_datagrams() -> None:
    """Drop datagrams that do not come from the peer, and those that no peer sends: empty ones, long ones, broken STUN.

    aioice hands on what anybody sends to its socket, and a sender's address can be forged. aiortc ends the connection
    on an empty datagram, and on one that is too long for SRTP. STUN authenticates itself, so it may come from anywhere.
    DTLS and SRTP (first byte from 20, RFC 7983) must come from the nominated pair, or from another signalled or
    authenticated pair that has not failed: a peer may send before its nomination has arrived, and may nominate another
    pair later.
    """
    failed = aioice.ice.CandidatePair.State.FAILED

    def is_peer(self: Any, addr: tuple[str, int]) -> bool:
        connection = self.receiver
        for pair in connection._nominated.values():
            if pair.protocol is self and pair.remote_addr == addr:
                return True
        return any(
            pair.protocol is self and pair.remote_addr == addr and pair.state is not failed
            for pair in connection._check_list
        )

    def datagram_received(self: Any, data: bytes | str, addr: tuple[Any, ...]) -> None:
        assert isinstance(data, bytes)
        if 0 < len(data) <= MAX_DATAGRAM and (data[0] < 4 or is_peer(self, (addr[0], addr[1]))):
            try:
                original(self, data, addr)
            except struct.error:
                pass  # STUN with an attribute of a wrong length: aioice expects a ValueError there.

    original = replace(aioice.ice.StunProtocol, "datagram_received", datagram_received)


def time_checks() -> None:
    """Measure how long ICE's checks take, which is the first that is known of a path; aioice does not tell."""

    async def request(
        self: Any,
        request: aioice.stun.Message,
        addr: tuple[str, int],
        integrity_key: bytes | None = None,
        retransmissions: int | None = None,
    ) -> Any:
        clock = asyncio.get_running_loop().time
        began = clock()
        answer = await original(self, request, addr, integrity_key, retransmissions)
        taken = vars(self).setdefault("_console_round_trips", {})
        taken[addr] = min(clock() - began, taken.get(addr, float("inf")))
        return answer

    original = replace(aioice.ice.StunProtocol, "request", request)


def round_trip_s(pair: aioice.ice.CandidatePair) -> float | None:
    """The shortest time, in seconds, of this pair's checks, which includes repetitions after a loss.

    None where no check was answered, or where the peer is on this host: then the time tells how busy the host is.
    """
    if pair.local_addr[0] == pair.remote_addr[0]:
        return None
    shortest: float | None = vars(pair.protocol).get("_console_round_trips", {}).get(pair.remote_addr)
    return shortest
