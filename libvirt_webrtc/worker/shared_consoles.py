"""The consoles of the domain, and the viewers who came for one of them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from libvirt_webrtc.agent.interface import ConsoleView
from libvirt_webrtc.display.console import Console
from libvirt_webrtc.display.gl.thread import GraphicsThread
from libvirt_webrtc.errors import ConsoleStarting, NoConsole
from libvirt_webrtc.worker.settings import WorkerSettings
from libvirt_webrtc.worker.shared_console import Seat
from libvirt_webrtc.worker.viewer import Peer

MAX_VIEWERS = 64
"""Of one domain; beyond it the process would have no room for packets."""


class Seats:
    """One seat for each graphic console that there ever was: it stays for as long as the console may come back."""

    def __init__(self, settings: WorkerSettings, *, on_change: Callable[[], None]) -> None:
        self._settings = settings
        self._on_change = on_change
        self._graphics = GraphicsThread(settings.gl_device, settings.render_node)
        self._seats: dict[int, Seat] = {}
        self._peers: dict[str, Peer] = {}
        self._paused = False

    def find(self, index: int) -> Seat:
        """Raises NoConsole."""
        seat = self._seats.get(index)
        if seat is None:
            raise NoConsole(f"the domain has no graphic console {index}")
        return seat

    def views(self) -> list[ConsoleView]:
        """The consoles that QEMU has now, as the list shows them."""
        return [seat.view() for seat in self._present()]

    def match(self, consoles: Mapping[int, Console]) -> None:
        """These are the present display's; of text consoles nothing is shown."""
        graphic = {index: console for index, console in consoles.items() if console.kind == "Graphic"}
        for index, console in graphic.items():
            if index not in self._seats:
                self._seats[index] = Seat(
                    index, self._settings, self._graphics, on_change=self._changed, paused=self._paused
                )
            self._seats[index].attach(console)
        for index, seat in self._seats.items():
            if index not in graphic:
                seat.detach()
        self._changed()

    def lose_display(self) -> None:
        """There is none for now; viewers keep the last pictures."""
        for seat in self._seats.values():
            seat.detach()

    def set_paused(self, paused: bool) -> None:
        """Tell viewers that the guest is paused or runs."""
        self._paused = paused
        for seat in self._seats.values():
            seat.set_paused(paused)

    async def admit(self, name: str, index: int, sdp: str, ice_servers: list[dict[str, Any]]) -> str:
        """Answer the offer of a viewer of this console.

        Raises:
            NegotiationError: it cannot be answered.
            NoConsole: there is no such console, or too many viewers.
            ConsoleStarting: QEMU's display is not connected, or would not register a listener.
        """
        seat = self.find(index)
        await seat.listen()
        if not seat.attached:
            raise ConsoleStarting("QEMU's display is not connected yet")
        if len(self._peers) >= MAX_VIEWERS:
            raise NoConsole(f"this domain already has {MAX_VIEWERS} viewers")
        others = [other for other in self._present() if other is not seat]
        peer = Peer(name, [seat, *others], ice_servers=ice_servers, on_closed=self._peer_closed)
        self._peers[name] = peer
        return await peer.answer(sdp)

    async def dismiss(self, name: str) -> bool:
        """End one viewer; False when there is none of that name."""
        peer = self._peers.get(name)
        if peer is None:
            return False
        await peer.close()
        return True

    async def close(self) -> None:
        """End all viewers, then the seats; again is fine."""
        await asyncio.gather(*(peer.close() for peer in list(self._peers.values())))
        await asyncio.gather(*(seat.close() for seat in self._seats.values()))
        await asyncio.to_thread(self._graphics.close)

    def _present(self) -> list[Seat]:
        return [seat for _, seat in sorted(self._seats.items()) if seat.attached]

    def _changed(self) -> None:
        self._on_change()
        if present := self._present():
            for peer in self._peers.values():
                peer.seats_changed(present)

    def _peer_closed(self, peer: Peer) -> None:
        self._peers.pop(peer.name, None)
