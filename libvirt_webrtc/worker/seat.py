"""One console of the domain: its picture, its cursor, and the viewers who look at it."""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from libvirt_webrtc.agent import ConsoleView
from libvirt_webrtc.console_stats import ConsoleStats
from libvirt_webrtc.display.console import Console
from libvirt_webrtc.display.gl.thread import GraphicsThread
from libvirt_webrtc.display.listener import Listener
from libvirt_webrtc.errors import ConsoleStarting, DisplayError, NoConsole
from libvirt_webrtc.framebuffer import Framebuffer
from libvirt_webrtc.input import messages
from libvirt_webrtc.media.stream import ConsoleVideo
from libvirt_webrtc.worker.input_channel import InputChannel
from libvirt_webrtc.worker.memory import trim_heap
from libvirt_webrtc.worker.peer import Peer
from libvirt_webrtc.worker.settings import WorkerSettings
from libvirt_webrtc.worker.video_stats import console_stats

log = logging.getLogger(__name__)

MAX_VIEWERS = 64
"""Of one console; beyond it the process would have no room for packets."""

ABANDONED_S = 2.0
"""After the last viewer left, until memory is given back: a page that is loaded again comes sooner."""


class Seat:
    """Where one console of QEMU's display meets its viewers.

    It outlives display connections. The listener is registered with the first viewer and kept, encoding or not,
    until QEMU itself ends it: QEMU 10 leaks a file descriptor for every listener that closes.
    """

    def __init__(
        self,
        index: int,
        settings: WorkerSettings,
        graphics: GraphicsThread,
        *,
        on_change: Callable[[], None],
        paused: bool,
    ) -> None:
        self.index = index
        self._settings = settings
        self._graphics = graphics
        self._on_change = on_change
        self._paused = paused
        self._framebuffer = Framebuffer()
        self._framebuffer.on_shape = self._shape_changed
        self.video = ConsoleVideo(
            self._framebuffer,
            downsample=settings.downsample,
            formats=settings.formats,
            hardware=settings.hardware,
        )
        self._peers: dict[str, Peer] = {}
        self._console: Console | None = None
        self._listener: Listener | None = None
        self._registering = asyncio.Lock()
        self._cursor = b""
        self._cursor_position = b""
        self._unsupported = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._abandoned: asyncio.TimerHandle | None = None

    @property
    def attached(self) -> bool:
        """Whether QEMU's display has this console now."""
        return self._console is not None

    def view(self) -> ConsoleView:
        """This console as the list shows it."""
        console, picture, listener = self._console, self._framebuffer, self._listener
        return ConsoleView(
            index=self.index,
            label=console.label if console is not None else "",
            # QEMU's own Width and Height stand still while nobody listens.
            width=picture.width,
            height=picture.height,
            scanout=listener.mode if listener is not None else None,
            viewers=len(self._peers),
        )

    def stats(self) -> ConsoleStats:
        """What its video does right now."""
        return console_stats(
            self.video, [peer.track for peer in self._peers.values() if peer.track is not None]
        )

    def attach(self, console: Console) -> None:
        """Use this console of the present display connection."""
        if console is not self._console:
            self._console = console
            console.on_change = self._console_changed
            if self._listener is not None and not self._listener.closed:
                console.adopt(self._listener)
            elif self._peers:
                # Up to QEMU 9.1, another program that opens the display also takes over the picture.
                task = asyncio.create_task(self._listen_again())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            for peer in self._peers.values():
                peer.input.set_display(console.keyboard, console.mouse)
            self._console_changed()

    def detach(self) -> None:
        """The console, or the whole display connection, is gone; viewers keep the last picture."""
        if self._console is not None:
            self._console = None
            for peer in self._peers.values():
                peer.input.set_display(None, None)

    def set_paused(self, paused: bool) -> None:
        """Tell viewers that the guest is paused or runs."""
        self._paused = paused
        self._broadcast(messages.state(paused))

    async def admit(self, name: str, sdp: str, ice_servers: list[dict[str, Any]]) -> str:
        """Answer a viewer's offer.

        Raises:
            NegotiationError: it cannot be answered.
            NoConsole: too many viewers.
            ConsoleStarting: QEMU's display is not connected, or would not register a listener.
        """
        await self._listen()
        console = self._console
        if console is None:
            raise ConsoleStarting("QEMU's display is not connected yet")
        if len(self._peers) >= MAX_VIEWERS:
            raise NoConsole(f"this console already has {MAX_VIEWERS} viewers")
        channel = InputChannel(console.keyboard, console.mouse)
        peer = Peer(name, self, channel, ice_servers=ice_servers, on_closed=self._peer_closed)
        self._peers[name] = peer
        self._on_change()
        return await peer.answer(sdp)

    async def dismiss(self, name: str) -> bool:
        """End one viewer; False when there is none of that name."""
        peer = self._peers.get(name)
        if peer is None:
            return False
        await peer.close()
        return True

    async def close(self) -> None:
        """End all viewers, the encoders and the listener."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end_viewers()
        await self.video.close()
        if self._listener is not None:
            self._listener.close()
        if self._abandoned is not None:
            self._abandoned.cancel()

    def greeting(self) -> Iterator[bytes]:
        """The display messages that bring a new viewer up to date."""
        picture, console = self._framebuffer, self._console
        if picture.width:
            yield messages.size(picture.width, picture.height)
            yield messages.enabled(picture.enabled)
        if console is not None:
            yield messages.pointer_mode(console.mouse.is_absolute)
            yield messages.leds(console.keyboard.modifiers)
        if self._cursor:
            yield self._cursor
        if self._cursor_position:
            yield self._cursor_position
        if self._unsupported:
            yield messages.problem(self._unsupported)
        yield messages.state(self._paused)

    def define_cursor(self, width: int, height: int, hot_x: int, hot_y: int, pixels: bytes) -> None:
        """The guest's pointer has a new shape (``Listener.CursorDefine``)."""
        rgba = np.frombuffer(pixels, np.uint8).reshape(-1, 4)[:, [2, 1, 0, 3]].tobytes()
        self._cursor = messages.cursor(width, height, hot_x, hot_y, rgba)
        self._broadcast(self._cursor)

    def move_cursor(self, x: int, y: int, visible: bool) -> None:
        """The guest moved or hid its pointer (``Listener.MouseSet``)."""
        self._cursor_position = messages.cursor_position(x, y, visible)
        self._broadcast(self._cursor_position)

    def unsupported(self, what: str) -> None:
        """Why QEMU's picture cannot be shown; empty once it is shown."""
        if what != self._unsupported:
            # Once, not for every frame: a guest must not fill the log.
            self._unsupported = what
            if what:
                log.warning("console %s: %s", self.index, what)
            self._broadcast(messages.problem(what))

    async def _listen(self) -> None:
        """Register with QEMU, unless a registration lives. Raises ConsoleStarting."""
        async with self._registering:
            if self._console is None or self._listening:
                return
            listener = Listener(self._framebuffer, self, self._graphics)
            console = self._console
            try:
                await console.register_listener(listener)
            except DisplayError as error:
                raise ConsoleStarting(f"QEMU would not show its console: {error}") from error
            self._listener = listener
            if self._console is not None and self._console is not console:
                self._console.adopt(listener)

    async def _listen_again(self) -> None:
        try:
            await self._listen()
        except ConsoleStarting as error:
            # Their pages come back, and try until there is a picture again.
            log.warning("console %s: %s; its viewers are disconnected", self.index, error)
            await self._end_viewers()

    async def _end_viewers(self) -> None:
        await asyncio.gather(*(peer.close() for peer in list(self._peers.values())))

    @property
    def _listening(self) -> bool:
        return self._listener is not None and not self._listener.closed

    def _console_changed(self) -> None:
        if self._console is not None:
            self._broadcast(messages.pointer_mode(self._console.mouse.is_absolute))
            self._broadcast(messages.leds(self._console.keyboard.modifiers))
            self._on_change()

    def _shape_changed(self) -> None:
        picture = self._framebuffer
        self._broadcast(messages.size(picture.width, picture.height))
        self._broadcast(messages.enabled(picture.enabled))
        self._on_change()

    def _broadcast(self, message: bytes) -> None:
        for peer in self._peers.values():
            peer.send(message)

    def _peer_closed(self, peer: Peer) -> None:
        self._peers.pop(peer.name, None)
        self._on_change()
        if not self._peers:
            if self._abandoned is not None:
                self._abandoned.cancel()
            self._abandoned = asyncio.get_running_loop().call_later(ABANDONED_S, self._give_back)

    def _give_back(self) -> None:
        self._abandoned = None
        if not self._peers:
            # First what aiortc leaves behind in reference cycles, which may hold pictures.
            gc.collect()
            if self._listener is not None:
                self._listener.trim()
            trim_heap()
