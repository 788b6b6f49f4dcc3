"""Looks names up in a daemon thread for each.

aiohttp's own resolver uses asyncio's pool of threads, which are joined at exit: a name server that does not answer
would hold up the end of the service for as long as the system's resolver tries.
"""

import socket
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

from libvirt_webrtc.concurrency.threads import in_thread


class DaemonResolver(AbstractResolver):
    """As aiohttp asks its resolvers; may be cancelled."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of ``host``. Raises OSError."""
        look = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=found,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found, _, protocol, _, address in await in_thread(look)
        ]

    async def close(self) -> None:
        """Nothing to close: a thread that still looks ends with its answer, or with the process."""
