"""A domain's consoles without QEMU, for the tests of viewers."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import cast

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.config.ice import IceServer
from libvirt_webrtc.errors import ConsoleStarting
from libvirt_webrtc.input import display_messages
from libvirt_webrtc.input.messages import Resize
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.worker.console_input import ConsoleInput
from libvirt_webrtc.worker.message_socket import MessageSocket
from libvirt_webrtc.worker.transports.stream import StreamConnection
from libvirt_webrtc.worker.transports.webrtc import WebRTCConnection
from libvirt_webrtc.worker.viewer_console import ViewerConsole
from tests.media.helpers import picture, show, soon, until
from tests.support.grants import ADMIN
from tests.worker.stream_client import StreamClient
from tests.worker.viewer_client import ViewerClient

PING = b"\x07\x00\x00\x00\x2a"
OWN = [
    display_messages.role(ADMIN.role),
    display_messages.size(64, 48),
    display_messages.enabled(True),
    display_messages.state(False),
]
"""What each console greets with."""

GREETING = [
    *OWN,
    display_messages.consoles(
        {"consoles": [{"index": 0, "section": 0, "label": "console 0", "enabled": True}]}
    ),
]
"""What a viewer of the only console is greeted with."""


class FakeSharedConsole:
    """A console without QEMU."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.label = f"console {index}"
        self.enabled = True
        self.listening = False
        self.fails = False
        self.framebuffer = Framebuffer()
        show(self.framebuffer, picture(64, 48, seed=index))
        self.video = ConsoleVideo(self.framebuffer)
        self.input = ConsoleInput()
        self.consoles: list[ViewerConsole] = []
        self.asked: list[Resize] = []

    async def listen(self) -> None:
        await asyncio.sleep(0)
        if self.fails:
            raise ConsoleStarting("not today")
        self.listening = True

    def greeting(self) -> Iterator[bytes]:
        yield from OWN[1:]

    def resize(self, wanted: Resize, on_resized: Callable[[bool], None]) -> None:
        self.asked.append(wanted)
        on_resized(self.index == 0)

    def join(self, opened: ViewerConsole) -> None:
        self.consoles.append(opened)

    def leave(self, opened: ViewerConsole) -> None:
        if opened in self.consoles:
            self.consoles.remove(opened)

    def watchers_changed(self) -> None:
        pass

    @property
    def renditions(self) -> int:
        """How many encoders run."""
        return len(self.video.stats().renditions)


class Place:
    """Makes connections to fake consoles, and notes their end."""

    def __init__(self) -> None:
        self.shared_consoles = [FakeSharedConsole(0)]
        self.closed: list[str] = []
        """The names of viewers whose connections have ended."""
        self.connections: list[WebRTCConnection] = []
        self.streams: list[StreamConnection] = []

    @property
    def framebuffer(self) -> Framebuffer:
        return self.shared_consoles[0].framebuffer

    @property
    def _all(self) -> list[WebRTCConnection | StreamConnection]:
        return [*self.connections, *self.streams]

    def add(self) -> FakeSharedConsole:
        """One more console, from now on."""
        self.shared_consoles.append(FakeSharedConsole(len(self.shared_consoles)))
        for connection in self._all:
            connection.viewer.consoles_changed(self.shared_consoles)
        return self.shared_consoles[-1]

    def tell(self, message: bytes) -> None:
        """As the first console tells everybody who has it open."""
        for opened in list(self.shared_consoles[0].consoles):
            opened.send(message)

    def connection(self, *ice_servers: IceServer, grant: Grant = ADMIN) -> WebRTCConnection:
        made = WebRTCConnection(
            f"viewer {len(self.connections)}",
            self.shared_consoles,
            grant,
            ice_servers=ice_servers,
            on_closed=lambda connection: self.closed.append(connection.viewer.name),
        )
        self.connections.append(made)
        return made

    async def connect_stream(self, client: StreamClient, grant: Grant = ADMIN) -> StreamConnection:
        """Join a client to these consoles by a stream."""
        sock = cast(socket.socket, await client.begin())
        messages = await MessageSocket.open(sock, largest=limits.MAX_STREAM_MESSAGE)
        made = StreamConnection(
            f"viewer {len(self.streams)}",
            self.shared_consoles,
            grant,
            messages,
            on_closed=lambda connection: self.closed.append(connection.viewer.name),
        )
        self.streams.append(made)
        return made

    async def connect(self, client: ViewerClient) -> str:
        """Connect a client, and wait until it is greeted; the viewer's name."""
        connection = self.connection()
        await client.take(await soon(connection.answer(await client.offer())))
        await until(lambda: len(client.received) >= len(GREETING))
        return connection.viewer.name

    async def close(self) -> None:
        await asyncio.gather(*(connection.close() for connection in self._all))
        await asyncio.gather(*(shared.video.close() for shared in self.shared_consoles))
