"""A listener that is offered DMA-BUFs, by a peer that sends also what QEMU does not."""

import asyncio
from contextlib import suppress
from typing import Any

from dbus_fast import Message

from libvirt_webrtc.display.gl.thread import GraphicsThread, Urgency
from libvirt_webrtc.display.listener import Listener
from libvirt_webrtc.errors import GraphicsError
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.display.peer import FakeQemu
from tests.display.sink import Sink
from tests.gl.converting import converted, converter, furthest, in_memory
from tests.gl.memory import XR24
from tests.media.helpers import until

WIDTH, HEIGHT = 64, 48


class Guest:
    """A listener, and the QEMU that it listens to."""

    def __init__(self, peer: FakeQemu, graphics: GraphicsThread) -> None:
        self.peer = peer
        self.sink = Sink()
        self.framebuffer = Framebuffer()
        self.damage = self.framebuffer.subscribe(lambda: None)
        self.listener = Listener(self.framebuffer, self.sink, graphics)
        self._graphics = graphics

    async def scanout(self, fd: int, *body: Any) -> None:
        body = body or (WIDTH, HEIGHT, 4 * WIDTH, XR24, 0, False)
        await self.peer.send(self.peer.message("ScanoutDMABUF", "huuuutb", 0, *body, fds=1), (fd,))

    async def update(self, *rect: int) -> Message:
        """The answer, once all that came before is done; on a loaded machine it comes earlier."""
        answer = await self.peer.ask("UpdateDMABUF", "iiii", *(rect or (0, 0, WIDTH, HEIGHT)))
        with suppress(GraphicsError):
            await asyncio.wrap_future(self._graphics.submit(Urgency.ENCODER, lambda _: None))
        return answer

    async def shown(self) -> None:
        await until(lambda: self.framebuffer.surface is not None)

    async def furthest(self, pixels: Any) -> int:
        made = converter(self.framebuffer, (True, False))
        return furthest(await converted(made, self.framebuffer), in_memory(pixels, (True, False)))

    @property
    def problem(self) -> str:
        return self.sink.problem
