"""Our own UDP sockets, which keep to the ports that the operator names: aioice leaves the choice to the kernel.

Two sockets of one host share a port where their addresses differ, so a viewer takes one port at each address that is
offered, and one more for a TURN server that is asked by UDP.
"""

import asyncio
import errno
import logging
import random
import socket
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from typing import Any, TypeVar

from aioice import turn
from aioice.turn import TurnClientTcpProtocol, TurnClientUdpProtocol, TurnTransport

from libvirt_webrtc.config.ice_ports import PortRange
from libvirt_webrtc.errors import NoPortLeft
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.media.aiortc_ext.names import addresses
from libvirt_webrtc.media.aiortc_ext.patching import replace
from libvirt_webrtc.media.aiortc_ext.routes import source_address

_P = TypeVar("_P", bound=asyncio.DatagramProtocol)

_taken = LimitedLogger(logging.getLogger(__name__))

_ports: PortRange | None = None

_ANY = {4: "0.0.0.0", 6: "::"}
"""Where any port will do, the kernel chooses the address as well."""


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
    """Ask TURN servers by UDP from the ports that may be used, and by address: aioice has no argument for the first,
    and has asyncio resolve names, in threads that the process's end waits for.
    """

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
        name, port = server_addr
        hosts = await addresses(name)
        use = server_addr, username, password, lifetime, channel_refresh_time
        client: TurnClientUdpProtocol | TurnClientTcpProtocol
        if transport == "udp":
            client = await _endpoint(lambda: TurnClientUdpProtocol(*use), _towards(hosts, port))
        else:
            client = await _connected(lambda: TurnClientTcpProtocol(*use), hosts, port, ssl, name)
        try:
            protocol = protocol_factory()
            relay = TurnTransport(client)
            await relay._connect(protocol)
        except BaseException:
            client.transport.close()
            raise
        return relay, protocol

    replace(turn, "create_turn_endpoint", create_turn_endpoint)


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


async def _connected(
    make: Callable[[], TurnClientTcpProtocol], hosts: Sequence[str], port: int, ssl: Any, name: str
) -> TurnClientTcpProtocol:
    """A TCP connection to the first of a server's addresses that takes one; with ``ssl``, its certificate is that of
    ``name``. Raises OSError."""
    failed = OSError(errno.EADDRNOTAVAIL, "it has no address")
    for host in hosts:
        try:
            _, protocol = await asyncio.get_running_loop().create_connection(
                make, host, port, ssl=ssl or None, server_hostname=name if ssl else None
            )
        except OSError as error:
            failed = error
        else:
            return protocol
    raise failed


def _towards(hosts: Sequence[str], port: int) -> socket.socket:
    """A socket that is connected to a server, from the address that reaches it. Raises OSError, NoPortLeft."""
    failed = OSError(errno.ENETUNREACH, "no route leads there")
    for host in hosts:
        source = _ANY[ip_address(host).version] if _ports is None else source_address(host)
        if source is None:
            continue
        sock = _bound(source)
        try:
            sock.connect((host, port))
        except OSError as error:
            sock.close()
            failed = error
        else:
            return sock
    raise failed


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
