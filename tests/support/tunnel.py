"""One TCP port that leads to another, as ``ssh -L`` makes: nothing else gets through, and what waits is kept."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK = 16 * 1024
WINDOW = 2 * 1024 * 1024
"""What OpenSSH keeps of one forwarded connection (CHAN_TCP_WINDOW_DEFAULT)."""


@asynccontextmanager
async def tunnel(port: int, back_bps: float | None = None) -> AsyncIterator[int]:
    """The port that leads to ``port`` of this machine.

    ``back_bps``: how many bits per second come back; up to WINDOW of each connection waits for its turn.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", port, limit=WINDOW // 2)
        await asyncio.gather(_pump(reader, there[1], None), _pump(there[0], writer, back_bps))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bps: float | None) -> None:
    loop = asyncio.get_running_loop()
    free_at = loop.time()
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
            if bps is not None:
                free_at = max(free_at, loop.time()) + len(data) * 8 / bps
                await asyncio.sleep(free_at - loop.time())
    writer.close()
