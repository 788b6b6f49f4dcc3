"""All consoles of one domain, and all its viewers."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.agent.interface import ConsoleView
from libvirt_webrtc.agent.most import of_most
from libvirt_webrtc.config.ice import IceServer
from libvirt_webrtc.display.console import Console
from libvirt_webrtc.display.gl.thread import GraphicsThread
from libvirt_webrtc.errors import ConsoleStarting, NegotiationError, NoConsole, TooManyViewers
from libvirt_webrtc.worker.message_socket import MessageSocket
from libvirt_webrtc.worker.settings import WorkerSettings
from libvirt_webrtc.worker.shared_console import SharedConsole
from libvirt_webrtc.worker.transports.stream import StreamConnection
from libvirt_webrtc.worker.transports.webrtc import WebRTCConnection

MAX_VIEWERS = 64
"""Viewers of one domain. Each keeps up to some MB of sent packets for repetition."""


class SharedConsoles:
    """A :class:`SharedConsole` for each graphic console that was ever there: one that goes may come back."""

    def __init__(
        self,
        settings: WorkerSettings,
        *,
        on_change: Callable[[], None],
        on_viewer_ended: Callable[[str, int], None],
    ) -> None:
        """
        Args:
            settings: the worker's.
            on_change: called when :meth:`views` may have changed.
            on_viewer_ended: called once for each viewer that was admitted, with its name and the bytes of pictures
                that it was sent.
        """
        self._settings = settings
        self._on_change = on_change
        self._on_viewer_ended = on_viewer_ended
        self._graphics = GraphicsThread(settings.gl_device, settings.render_node)
        self._shared_consoles: dict[int, SharedConsole] = {}
        self._connections: dict[str, WebRTCConnection | StreamConnection] = {}
        """Of the viewers, by their names."""
        self._expected: set[str] = set()
        """Viewers whose offers wait for QEMU; one that is dismissed meanwhile is not in it any more."""
        self._paused = False

    def find(self, index: int) -> SharedConsole:
        """The console of this index. Raises NoConsole."""
        shared = self._shared_consoles.get(index)
        if shared is None:
            raise NoConsole(f"the domain has no graphic console {index}")
        return shared

    def views(self) -> list[ConsoleView]:
        """The consoles that QEMU has now, as the list shows them."""
        return [shared.view() for shared in self._present()]

    def bytes_sent(self) -> dict[str, int]:
        """What each viewer was sent so far, of encoded pictures."""
        return {name: connection.viewer.bytes_sent for name, connection in self._connections.items()}

    def match(self, consoles: Mapping[int, Console]) -> None:
        """Take over the consoles of the present display. Text consoles are left out."""
        graphic = {index: console for index, console in consoles.items() if console.kind == "Graphic"}
        for index, console in graphic.items():
            if index not in self._shared_consoles:
                self._shared_consoles[index] = SharedConsole(
                    index, self._settings, self._graphics, on_change=self._changed, paused=self._paused
                )
            self._shared_consoles[index].attach(console)
        for index, shared in self._shared_consoles.items():
            if index not in graphic:
                shared.detach()
        self._changed()

    def lose_display(self) -> None:
        """There is no display for now; viewers keep the last pictures."""
        for shared in self._shared_consoles.values():
            shared.detach()

    def set_paused(self, paused: bool) -> None:
        """Tell viewers that the guest is paused or runs."""
        self._paused = paused
        for shared in self._shared_consoles.values():
            shared.set_paused(paused)

    async def admit(
        self, name: str, index: int, sdp: str, grant: Grant, ice_servers: Sequence[IceServer] = ()
    ) -> str:
        """Answer the offer of a viewer of this console, who may do what ``grant`` says.

        Takes at most LISTEN_S and GATHER_S together.

        Raises:
            NegotiationError: it cannot be answered, or the viewer was dismissed meanwhile.
            NoConsole: there is no such console.
            TooManyViewers: there are MAX_VIEWERS already, and this user has a fair share of them.
            ConsoleStarting: QEMU's display is not connected, or would not register a listener.
        """
        self._expected.add(name)
        consoles = await self._consoles_for(name, index, grant)
        connection = WebRTCConnection(name, consoles, grant, ice_servers=ice_servers, on_closed=self._closed)
        self._connections[name] = connection
        return await connection.answer(sdp)

    async def admit_stream(self, name: str, index: int, sock: socket.socket, grant: Grant) -> None:
        """Serve a viewer of this console over a stream socket, which is taken over.

        Takes at most LISTEN_S; errors as :meth:`admit`.
        """
        self._expected.add(name)
        try:
            messages = await MessageSocket.open(sock, largest=limits.MAX_STREAM_MESSAGE)
        except BaseException:
            self._expected.discard(name)
            sock.close()
            raise
        try:
            # Last: a console that comes after this is told to the viewers that there are.
            consoles = await self._consoles_for(name, index, grant)
        except BaseException:
            messages.close()
            raise
        self._connections[name] = StreamConnection(name, consoles, grant, messages, on_closed=self._closed)

    async def _consoles_for(self, name: str, index: int, grant: Grant) -> list[SharedConsole]:
        """The console of this index, which QEMU sends the picture of, then the others; errors as :meth:`admit`.

        The viewer must be one of ``_expected``, and is not any more afterwards.
        """
        try:
            shared = self.find(index)
            await shared.listen()
            if name not in self._expected:
                raise NegotiationError("nobody waits for the answer any more")
        finally:
            self._expected.discard(name)
        if not shared.attached:
            raise ConsoleStarting("QEMU's display is not connected yet")
        await self._make_room(grant)
        return [shared, *(other for other in self._present() if other is not shared)]

    async def _make_room(self, grant: Grant) -> None:
        """Of MAX_VIEWERS, end the oldest one of whoever has most: nobody keeps others out by opening many.

        A link's viewers count for who made it, and among that user's own for themselves: so they do not keep out who
        made it either. Raises TooManyViewers where nobody has more than this user would have. Takes as long as a
        viewer's end.
        """
        if len(self._connections) < MAX_VIEWERS:
            return
        viewers = list(self._connections.values())
        grants = of_most([*(viewer.viewer.grant for viewer in viewers), grant], attrgetter("responsible"))
        if grant in grants:  # nobody else has more
            grants = [one for one in grants if one.responsible == grant.responsible]
        grants = of_most(grants, attrgetter("name"))
        if grant in grants:
            raise TooManyViewers(
                f"this guest's consoles have {MAX_VIEWERS} viewers, the most that there may be; try again later"
            )
        oldest = next(viewer for viewer in viewers if viewer.viewer.grant in grants)
        await oldest.close(
            "The guest has as many viewers as it may have, and this user, with share links, has most of them."
        )

    async def dismiss(self, name: str) -> bool:
        """End one viewer, also one whose offer is being answered; False when there is none of that name."""
        if name in self._expected:
            self._expected.remove(name)
            return True
        connection = self._connections.get(name)
        if connection is None:
            return False
        await connection.close("The page closed it, or its session ended.")
        return True

    async def close(self) -> None:
        """Lift what viewers hold, end them all, then the consoles. Idempotent."""
        # First, because the supervisor does not wait for long, and ending viewers may take a while.
        await asyncio.gather(*(shared.input.close() for shared in self._shared_consoles.values()))
        await asyncio.gather(
            *(
                connection.close("The server ended this connection: the console's worker ends.")
                for connection in list(self._connections.values())
            )
        )
        await asyncio.gather(*(shared.close() for shared in self._shared_consoles.values()))
        await asyncio.to_thread(self._graphics.close)

    def _present(self) -> list[SharedConsole]:
        return [shared for _, shared in sorted(self._shared_consoles.items()) if shared.attached]

    def _changed(self) -> None:
        self._on_change()
        if present := self._present():
            for connection in self._connections.values():
                connection.viewer.consoles_changed(present)

    def _closed(self, connection: WebRTCConnection | StreamConnection) -> None:
        self._connections.pop(connection.viewer.name, None)
        self._on_viewer_ended(connection.viewer.name, connection.viewer.bytes_sent)
