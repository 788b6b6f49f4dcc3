"""Our own UDP sockets, which keep to the ports that the operator names: aioice leaves the choice to the kernel.

Two sockets of one host share a port where their addresses differ, so a viewer takes one port at each address that is
offered, and one more for a TURN server that is asked by UDP.
"""

import asyncio
import errno
import logging
import random
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any, TypeVar

from aioice import turn
from aioice.turn import TurnClientUdpProtocol, TurnTransport

from libvirt_webrtc.config.ice_ports import PortRange
from libvirt_webrtc.errors import NoPortLeft
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.media.aiortc_ext.patching import replace
from libvirt_webrtc.media.aiortc_ext.routes import source_address

_P = TypeVar("_P", bound=asyncio.DatagramProtocol)

_taken = LimitedLogger(logging.getLogger(__name__))

_ports: PortRange | None = None


def keep_to_ports(ports: PortRange | None) -> None:
    """Use these UDP ports only; None: those that the kernel chooses. It holds for sockets made from here on."""
    global _ports
    _ports = ports


async def open_socket(make: Callable[[], _P], host: str) -> _P:
    """A UDP socket at an address of this host's.

    Raises:
        NoPortLeft: all ports that may be used are taken there.
        OSError: it is not this host's address.
    """
    return await _endpoint(make, _bound(host))


def relay_by_our_ports() -> None:
    """Ask TURN servers by UDP from the ports that may be used, where not all may: aioice has no argument for that."""

    async def create_turn_endpoint(
        protocol_factory: Callable[[], _P],
        server_addr: tuple[str, int],
        username: str | None,
        password: str | None,
        lifetime: int = turn.DEFAULT_ALLOCATION_LIFETIME,
        channel_refresh_time: int = turn.DEFAULT_CHANNEL_REFRESH_TIME,
        ssl: Any = None,
        transport: str = "udp",
    ) -> tuple[TurnTransport, _P]:
        if _ports is None or transport != "udp":
            made: tuple[TurnTransport, _P] = await create(
                protocol_factory,
                server_addr,
                username,
                password,
                lifetime,
                channel_refresh_time,
                ssl,
                transport,
            )
            return made
        client = await _endpoint(
            lambda: TurnClientUdpProtocol(server_addr, username, password, lifetime, channel_refresh_time),
            await _towards(server_addr),
        )
        try:
            protocol = protocol_factory()
            relay = TurnTransport(client)
            await relay._connect(protocol)
        except BaseException:
            client.transport.close()
            raise
        return relay, protocol

    create = replace(turn, "create_turn_endpoint", create_turn_endpoint)


async def _endpoint(make: Callable[[], _P], sock: socket.socket) -> _P:
    """Have asyncio read from a socket, which is closed where that fails."""
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, turn.UDP_SOCKET_BUFFER_SIZE)
        _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(make, sock=sock)
    except BaseException:
        sock.close()
        raise
    return protocol


async def _towards(server: tuple[str, int]) -> socket.socket:
    """A socket that is connected to a server, from the address that reaches it."""
    found = await asyncio.get_running_loop().getaddrinfo(*server, type=socket.SOCK_DGRAM)
    sources = [(source_address(str(address[0])), address) for *_, address in found]
    for source, address in sources:
        if source is not None:
            sock = _bound(source)
            try:
                sock.connect(address)
            except OSError:
                sock.close()
                raise
            return sock
    raise OSError(errno.ENETUNREACH, "no route leads there")


def _bound(host: str) -> socket.socket:
    family = socket.AF_INET if ip_address(host).version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        for port in _candidates():
            try:
                sock.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return sock
        why = f"all UDP ports of ice.ports ({_ports}) are taken at {host}; a viewer that leaves frees one"
        _taken.warning("%s", why)
        raise NoPortLeft(why)
    except BaseException:
        sock.close()
        raise


def _candidates() -> Iterator[int]:
    """Ports to try: from a random one on, because many workers share them."""
    if _ports is None:
        yield 0
        return
    start = random.randrange(len(_ports))
    for step in range(len(_ports)):
        yield _ports.first + (start + step) % len(_ports)
