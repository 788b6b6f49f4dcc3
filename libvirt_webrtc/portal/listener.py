"""Where clients connect: an application on an address, with bounded connections."""

import asyncio
from functools import partial

from aiohttp import web

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.connections import ConnectionLimits, Connections, PortalConnection

SHUTDOWN_TIMEOUT_S = 2.0
"""How long requests in progress may take to end at shutdown."""


class PortalListener:
    """Serves an application from :meth:`start` to :meth:`close`.

    Attributes:
        connections: those that there are.
    """

    def __init__(self, app: web.Application, limits: ConnectionLimits) -> None:
        self.connections = Connections(limits)
        self._runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
        self._server: asyncio.Server | None = None

    async def start(self, address: ListenAddress) -> ListenAddress:
        """Begin to listen. Returns the address with the port that the system chose, where it was 0.

        Raises:
            ConfigError: the address is taken.
        """
        await self._runner.setup()
        assert self._runner.server is not None
        connection = partial(PortalConnection, self._runner.server, self.connections)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(connection, address.host, address.port)
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {address.authority}: {error}; choose another with --listen"
            ) from error
        return ListenAddress(*self._server.sockets[0].getsockname()[:2])

    async def close(self) -> None:
        """Stop listening, let requests in progress end, and end all connections. Idempotent."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()
