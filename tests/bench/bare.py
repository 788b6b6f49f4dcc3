"""A console without libvirt, portal and browser: a QEMU, the product's worker for it, and viewers that are aiortc."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aioice.ice import StunProtocol

from libvirt_webrtc.input import messages
from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.bench import world
from tests.media.helpers import until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu
from tests.worker.viewer_client import ViewerClient

SETTINGS = WorkerSettings(domain_name="bench", downsample=False, offer_loopback=True, log_level=30)

EMPTY = ("-S", "-m", "16", "-device", "VGA")
"""QEMU's arguments for a guest that never runs, where only its display matters."""

PING_INTERVAL_S = 1.0
"""The viewer's pause between two pings in seconds, as the page has it."""

_DATAGRAM_OVERHEAD = 20 + 8
"""The length of the IPv4 and UDP headers in bytes."""


def demo_guest(options: str) -> tuple[str, ...]:
    """Return QEMU's arguments for the small demo guest."""
    image = world.guests() / "baremetal.elf"
    return ("-m", "32", "-vga", "std", "-kernel", str(image), "-append", f"nonce=00C0FFEE {options}")


@dataclass(frozen=True, slots=True)
class BareConsole:
    """A running guest and its worker, which has the display."""

    qemu: Qemu
    worker: WorkerProcess

    @asynccontextmanager
    async def watch(self, name: str) -> AsyncIterator["PingingClient"]:
        """Connect a viewer and wait for its first picture; it stays until the block ends."""
        async with PingingClient() as viewer:
            await viewer.take(await self.worker.offer(name, 0, await viewer.offer(), ADMIN))
            await until(lambda: viewer.frames > 0)
            yield viewer
        await until(lambda: all(console.viewers == 0 for console in self.worker.consoles))


@asynccontextmanager
async def bare_console(*arguments: str) -> AsyncIterator[BareConsole]:
    """Start both, and return when the worker has reported the console."""
    async with Qemu(*arguments) as qemu:
        worker = await WorkerProcess.start(SETTINGS)
        try:
            await worker.use_display((await qemu.open_display()).detach())
            await until(lambda: bool(worker.consoles))
            yield BareConsole(qemu, worker)
        finally:
            await worker.close()


class PingingClient(ViewerClient):
    """A viewer that pings as the page does."""

    async def press(self, code: str) -> None:
        """Press and release a key."""
        for down in (b"\1", b"\0"):
            self.channels["input"].send(bytes([messages.KEY]) + down + code.encode())

    async def __aenter__(self) -> "PingingClient":
        await super().__aenter__()
        self._pinging = asyncio.create_task(self._ping())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pinging.cancel()
        await asyncio.wait({self._pinging})
        await super().__aexit__()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_INTERVAL_S)
            if self.channels["input"].readyState == "open":
                self.channels["input"].send(bytes([messages.PING, 0, 0, 0, 0]))


class Wire:
    """Counts the bytes of all datagrams, headers included, that aioice in this process receives and sends."""

    def __init__(self) -> None:
        self.received = self.sent = 0
        wire = self
        receive, made = StunProtocol.datagram_received, StunProtocol.connection_made

        def datagram_received(self: StunProtocol, data: bytes | str, addr: tuple[str, int]) -> None:
            wire.received += len(data) + _DATAGRAM_OVERHEAD
            receive(self, data, addr)

        def connection_made(self: StunProtocol, transport: asyncio.DatagramTransport) -> None:
            send = transport.sendto

            def sendto(data: bytes, addr: tuple[str, int] | None = None) -> None:
                wire.sent += len(data) + _DATAGRAM_OVERHEAD
                send(data, addr)

            transport.sendto = sendto  # type: ignore[method-assign,assignment]
            made(self, transport)

        StunProtocol.datagram_received = datagram_received  # type: ignore[method-assign]
        StunProtocol.connection_made = connection_made  # type: ignore[assignment,method-assign]
