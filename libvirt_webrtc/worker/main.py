"""A worker: one domain, the only place where display, media and viewers meet.

It has QEMU's display as a file descriptor and its supervisor's socket, and nothing else: no libvirt, no sessions.
When either end of that socket closes, the worker ends.
"""

import asyncio
import ctypes
import logging
import os
import signal
import socket
from collections.abc import Coroutine
from typing import Any

from libvirt_webrtc import logs
from libvirt_webrtc.display.console import Display
from libvirt_webrtc.display.gl.thread import GraphicsThread
from libvirt_webrtc.errors import DisplayError, LibvirtWebRTCError, NoConsole, WorkerError, WorkerGone
from libvirt_webrtc.media import aiortc_ext
from libvirt_webrtc.media.aiortc_ext import ice
from libvirt_webrtc.worker import ipc
from libvirt_webrtc.worker.seat import Seat
from libvirt_webrtc.worker.settings import WorkerSettings

log = logging.getLogger(__name__)

PR_SET_NAME = 15
PR_SET_PDEATHSIG = 1


def run(sock: socket.socket, settings: WorkerSettings) -> None:
    """The forked process's life, from its first line to its last."""
    libc = ctypes.CDLL(None)
    # The fork server ends with the supervisor, and takes along even a worker that hangs.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(PR_SET_NAME, b"lvw-console")
    # Ctrl-C reaches the whole process group; only the supervisor decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.set_up(settings.log_level, origin=settings.domain_name)
    aiortc_ext.install()
    if settings.offer_loopback:
        ice.offer_loopback()
    asyncio.run(_run(sock, settings))


async def _run(sock: socket.socket, settings: WorkerSettings) -> None:
    channel = ipc.Channel(sock)
    worker = Worker(channel, settings)
    try:
        await worker.serve()
    except WorkerGone:
        pass  # The supervisor closed its end: the way in which a worker is told to end.
    finally:
        await worker.close()
        channel.close()


class Worker:
    """Answers the supervisor's messages; owns the display, the seats and every task it starts."""

    def __init__(self, channel: ipc.Channel, settings: WorkerSettings) -> None:
        self._channel = channel
        self._settings = settings
        self._display: Display | None = None
        self._graphics = GraphicsThread(settings.gl_device, settings.render_node)
        self._seats: dict[int, Seat] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused = False
        self._status_due = asyncio.Event()

    async def serve(self) -> None:
        """Serve until the supervisor's end closes.

        Raises:
            WorkerGone: it has.
        """
        self._own(self._beat())
        self._own(self._report())
        while True:
            message, fds = await self._channel.receive()
            match message:
                case ipc.UseDisplay() if len(fds) == 1:
                    self._own(self._use_display(socket.socket(fileno=fds[0])))
                case ipc.Offer():
                    self._own(self._answer(message))
                case ipc.ClosePeer():
                    self._own(self._close_peer(message))
                case ipc.AskStats():
                    self._own(self._tell_stats(message))
                case ipc.DomainPaused(paused):
                    self._paused = paused
                    for seat in self._seats.values():
                        seat.set_paused(paused)
                case _:
                    # The supervisor is the same program: end loudly, and the descriptors with this process.
                    raise WorkerError(f"{type(message).__name__} with {len(fds)} descriptors")

    async def close(self) -> None:
        """Release what viewers hold, end them, and leave QEMU's display."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.gather(*(seat.close() for seat in self._seats.values()))
        await asyncio.to_thread(self._graphics.close)
        if self._display is not None:
            self._display.close()

    async def _use_display(self, sock: socket.socket) -> None:
        try:
            display = await Display.open(sock)
        except DisplayError as error:
            await self._channel.send(ipc.DisplayLost(f"QEMU's display cannot be used: {error}"))
            return
        self._display = display
        display.on_consoles = self._consoles_changed
        self._consoles_changed()
        await display.wait_closed()
        if self._display is display:
            self._display = None
            self._consoles_changed()
            await self._channel.send(ipc.DisplayLost("QEMU closed its display, or another program opened it"))

    def _consoles_changed(self) -> None:
        """Match the seats with QEMU's consoles; a seat stays for as long as it may come back."""
        consoles = {
            index: console
            for index, console in (self._display.consoles.items() if self._display is not None else ())
            if console.kind == "Graphic"
        }
        for index, console in consoles.items():
            if index not in self._seats:
                self._seats[index] = Seat(
                    index,
                    self._settings,
                    self._graphics,
                    on_change=self._status_due.set,
                    paused=self._paused,
                )
            self._seats[index].attach(console)
        for index, seat in self._seats.items():
            if index not in consoles:
                seat.detach()
        self._status_due.set()

    async def _answer(self, offer: ipc.Offer) -> None:
        try:
            sdp = await self._seat(offer.console).admit(offer.peer, offer.sdp, offer.ice_servers)
        except LibvirtWebRTCError as error:
            await self._channel.send(ipc.Refused(offer.request, type(error).__name__, str(error)))
        else:
            await self._channel.send(ipc.Answered(offer.request, sdp))

    def _seat(self, console: int) -> Seat:
        """Raises NoConsole."""
        seat = self._seats.get(console)
        if seat is None:
            raise NoConsole(f"the domain has no graphic console {console}")
        return seat

    async def _close_peer(self, message: ipc.ClosePeer) -> None:
        found = False
        for seat in list(self._seats.values()):
            found = await seat.dismiss(message.peer) or found
        await self._channel.send(ipc.Done(message.request, found))

    async def _tell_stats(self, asked: ipc.AskStats) -> None:
        try:
            stats = self._seat(asked.console).stats()
        except NoConsole as error:
            await self._channel.send(ipc.Refused(asked.request, type(error).__name__, str(error)))
        else:
            await self._channel.send(ipc.Stats(asked.request, list(stats.lanes), list(stats.viewers)))

    async def _beat(self) -> None:
        while True:
            await self._channel.send(ipc.Beat())
            await asyncio.sleep(ipc.BEAT_INTERVAL_S)

    async def _report(self) -> None:
        """Send the status after each change, once for changes that come together."""
        while True:
            await self._status_due.wait()
            self._status_due.clear()
            if self._display is not None:
                views = [seat.view() for seat in self._seats.values() if seat.attached]
                await self._channel.send(ipc.Status(views))

    def _own(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, WorkerGone):
            # A bug of ours: end loudly; the supervisor starts a fresh worker.
            log.critical("worker ends on an unexpected error", exc_info=error)
            os.abort()
