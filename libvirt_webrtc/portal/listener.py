"""Where clients connect: an application on an address, with bounded connections."""

import asyncio
import socket
from functools import partial
from ipaddress import ip_address

from aiohttp import web

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.connections import ConnectionLimits, Connections, PortalConnection
from libvirt_webrtc.portal.tls.accepting import TlsAcceptor
from libvirt_webrtc.portal.tls.portal_certificate import PortalCertificate

SHUTDOWN_TIMEOUT_S = 2.0
"""How long requests in progress may take to end at shutdown."""

BACKLOG = 128
"""Connections that wait to be accepted, for each address."""


class PortalListener:
    """Serves an application from :meth:`start` to :meth:`close`.

    Attributes:
        connections: those that there are.
    """

    def __init__(self, app: web.Application, limits: ConnectionLimits) -> None:
        self.connections = Connections(limits)
        self._runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
        self._servers: list[asyncio.Server] = []
        self._acceptor: TlsAcceptor | None = None

    async def start(
        self, address: ListenAddress, certificate: PortalCertificate | None = None
    ) -> ListenAddress:
        """Begin to listen: for HTTPS with ``certificate``, for plain HTTP without.

        Returns the address with the port that the system chose, where it was 0.

        Raises:
            ConfigError: the address is taken, or not one of this machine.
        """
        await self._runner.setup()
        assert self._runner.server is not None
        make = partial(PortalConnection, self._runner.server, self.connections)
        try:
            sockets = await _listening(address)
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {address.authority}: {error}; choose another with --listen"
            ) from error
        if certificate is not None:
            self._acceptor = TlsAcceptor(sockets, certificate, self.connections, make)
        else:
            loop = asyncio.get_running_loop()
            for each in sockets:
                self._servers.append(await loop.create_server(make, sock=each, backlog=BACKLOG))
        return ListenAddress(address.host, sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening, let requests in progress end, and end all connections. Idempotent."""
        if self._acceptor is not None:
            await self._acceptor.close()
        for server in self._servers:
            server.close()
        await self._runner.cleanup()


async def _listening(address: ListenAddress) -> list[socket.socket]:
    """Sockets that listen: several where a name has several addresses, one for all addresses of both IP versions."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    port = address.port
    try:
        for family, *_, place in dict.fromkeys(found):
            everywhere = family == socket.AF_INET6 and ip_address(place[0]).is_unspecified
            sockets.append(
                socket.create_server(
                    (place[0], port, *place[2:]),
                    family=family,
                    backlog=BACKLOG,
                    dualstack_ipv6=everywhere and socket.has_dualstack_ipv6(),
                )
            )
            sockets[-1].setblocking(False)
            port = sockets[0].getsockname()[1]
    except BaseException:
        for each in sockets:
            each.close()
        raise
    return sockets
