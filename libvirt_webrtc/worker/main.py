"""A worker: the process of one domain, where display, media and viewers meet.

It has QEMU's display as a file descriptor, and its supervisor's socket; it knows nothing of libvirt or sessions. It
ends when either end of that socket closes.
"""

import asyncio
import importlib
import logging
import signal
import socket
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from libvirt_webrtc import logs
from libvirt_webrtc.concurrency.tasks import TaskSet, until_one_ends
from libvirt_webrtc.display.display import Display
from libvirt_webrtc.display.registrations import RegistrationBudget
from libvirt_webrtc.errors import (
    DisplayError,
    GraphicsError,
    LibvirtWebRTCError,
    MessageRefused,
    NoConsole,
    SandboxError,
    WorkerError,
    WorkerGone,
)
from libvirt_webrtc.media.aiortc_ext import ice, patches, sockets
from libvirt_webrtc.worker import ipc
from libvirt_webrtc.worker.channel import Channel
from libvirt_webrtc.worker.sandbox.libc import set_process_name
from libvirt_webrtc.worker.sandbox.lock import lock_in
from libvirt_webrtc.worker.settings import WorkerSettings
from libvirt_webrtc.worker.shared_console import MAX_LABEL
from libvirt_webrtc.worker.shared_consoles import SharedConsoles

log = logging.getLogger(__name__)
_stray_errors = logs.LimitedLogger(log)

REPORT_INTERVAL_S = 0.1
"""Seconds between two reports of the consoles' state: each may reach every page that shows the list."""


def run(sock: socket.socket, settings: WorkerSettings) -> None:
    """The forked process's life, from its first line to its last."""
    set_process_name("lvw-console")
    # Ctrl-C reaches the whole process group; only the supervisor decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.set_up(settings.log_level, origin=settings.domain_name)
    if settings.rights.graphics:
        _import_graphics()
    try:
        lock_in(settings.rights, [sock.fileno()])
    except SandboxError as error:
        log.critical("%s; the worker ends", error)
        sys.exit(ipc.EXIT_NOT_LOCKED_IN)
    patches.install()
    ice.set_host_addresses(settings.ice_addresses or None)
    if settings.offer_loopback:
        ice.offer_loopback()
    sockets.keep_to_ports(settings.ice_ports)
    asyncio.run(_run(sock, settings))


def _import_graphics() -> None:
    """Import what reads pictures with OpenGL while this process may still read modules; not in the fork server:
    others do without it (4 MB)."""
    with suppress(GraphicsError):
        # The first picture's error says what is missing.
        importlib.import_module("libvirt_webrtc.display.gl.picture")
        importlib.import_module("libvirt_webrtc.display.gl.context")


async def _run(sock: socket.socket, settings: WorkerSettings) -> None:
    asyncio.get_running_loop().set_exception_handler(_log_stray_error)
    channel = Channel(sock)
    worker = Worker(channel, settings)
    try:
        await worker.serve()
    except WorkerGone:
        pass  # The supervisor closed its end, which tells a worker to end.
    finally:
        await worker.close()
        channel.close()


def _log_stray_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log, at a limited rate, what failed in a task or callback of aiortc: a viewer can bring it about at will."""
    _stray_errors.warning("%s", context.get("message"), exc_info=context.get("exception"))


class Worker:
    """Answers the supervisor's messages; owns the display, its consoles and every task it starts."""

    def __init__(self, channel: Channel, settings: WorkerSettings) -> None:
        self._channel = channel
        self._display: Display | None = None
        self._tasks = TaskSet(expected=(WorkerGone,))
        self._defect: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Gets the error of a task that failed."""
        self._status_due = asyncio.Event()
        self._shared_consoles = SharedConsoles(
            settings, on_change=self._status_due.set, on_viewer_ended=self._viewer_ended
        )

    async def serve(self) -> None:
        """Serve until the supervisor's end closes.

        Raises:
            WorkerGone: it has.
            Exception: a defect; the supervisor starts a fresh worker.
        """
        await until_one_ends(self._receive(), self._beat(), self._report(), self._fail())

    async def _receive(self) -> None:
        while True:
            message, fds = await self._channel.receive()
            match message:
                case ipc.UseDisplay() if len(fds) == 1:
                    self._start("use display", self._use_display(socket.socket(fileno=fds[0]), message))
                case ipc.Offer():
                    self._start("answer", self._answer(message))
                case ipc.OpenStream() if len(fds) == 1:
                    self._start("open stream", self._open_stream(socket.socket(fileno=fds[0]), message))
                case ipc.CloseViewer():
                    self._start("close viewer", self._close_viewer(message))
                case ipc.AskStats():
                    self._start("tell stats", self._tell_stats(message))
                case ipc.DomainPaused(paused):
                    self._shared_consoles.set_paused(paused)
                case _:
                    # The supervisor is the same program, so this is a defect. The descriptors end with this process.
                    raise WorkerError(f"{type(message).__name__} with {len(fds)} descriptors")

    async def close(self) -> None:
        """Release what viewers hold, end them, and leave QEMU's display."""
        await self._tasks.close()
        await self._shared_consoles.close()
        if self._display is not None:
            self._display.close()

    async def _use_display(self, sock: socket.socket, how: ipc.UseDisplay) -> None:
        budget = RegistrationBudget(how.registrations, on_use=self._tell_registrations)
        try:
            display = await Display.open(sock, on_bus=how.on_bus, registrations=budget)
        except DisplayError as error:
            await self._channel.send(ipc.DisplayLost(ipc.text(f"QEMU's display cannot be used: {error}")))
            return
        self._display = display
        display.on_consoles = self._consoles_changed
        self._consoles_changed()
        await display.wait_closed()
        if self._display is display:
            self._display = None
            self._shared_consoles.lose_display()
            await self._channel.send(ipc.DisplayLost("QEMU closed its display, or another program opened it"))

    def _consoles_changed(self) -> None:
        if self._display is not None:
            self._shared_consoles.match(self._display.consoles)

    async def _answer(self, offer: ipc.Offer) -> None:
        try:
            sdp = await self._shared_consoles.admit(
                offer.viewer, offer.console, offer.sdp, offer.grant, offer.ice_servers
            )
            await self._channel.send(ipc.Answered(offer.request, sdp))
        except WorkerGone:
            raise
        except MessageRefused as error:
            await self._shared_consoles.dismiss(offer.viewer)
            await self._refuse(offer.request, error)
        except LibvirtWebRTCError as error:
            await self._refuse(offer.request, error)

    async def _open_stream(self, sock: socket.socket, message: ipc.OpenStream) -> None:
        try:
            await self._shared_consoles.admit_stream(message.viewer, message.console, sock, message.grant)
            await self._channel.send(ipc.Done(message.request, found=True))
        except WorkerGone:
            raise
        except LibvirtWebRTCError as error:
            await self._refuse(message.request, error)

    async def _close_viewer(self, message: ipc.CloseViewer) -> None:
        found = await self._shared_consoles.dismiss(message.viewer)
        await self._channel.send(ipc.Done(message.request, found))

    async def _tell_stats(self, asked: ipc.AskStats) -> None:
        try:
            stats = self._shared_consoles.find(asked.console).stats()
            await self._channel.send(ipc.Stats(asked.request, stats.renditions, stats.viewers))
        except (NoConsole, MessageRefused) as error:
            await self._refuse(asked.request, error)

    async def _refuse(self, request: int, error: LibvirtWebRTCError) -> None:
        await self._channel.send(ipc.Refused(request, type(error).__name__, ipc.text(error)))

    def _viewer_ended(self, viewer: str, bytes_sent: int) -> None:
        self._start("tell end", self._channel.send(ipc.ViewerEnded(viewer, bytes_sent)))

    def _tell_registrations(self, registrations: int) -> None:
        """Have the supervisor keep the count: it belongs to QEMU, which outlives this process."""
        self._start("tell registrations", self._channel.send(ipc.Registered(registrations)))

    async def _beat(self) -> None:
        while True:
            await self._channel.send(ipc.Beat(self._shared_consoles.bytes_sent()))
            await asyncio.sleep(ipc.BEAT_INTERVAL_S)

    async def _report(self) -> None:
        """Send the status after each change, once for changes that come together."""
        while True:
            await self._status_due.wait()
            self._status_due.clear()
            if self._display is not None:
                vm_name = ipc.text(self._display.name, MAX_LABEL)
                await self._channel.send(ipc.Status(vm_name, tuple(self._shared_consoles.views())))
            # A guest may change its mode as often as it likes.
            await asyncio.sleep(REPORT_INTERVAL_S)

    async def _fail(self) -> None:
        """Raise what a task of this worker failed with."""
        await self._defect

    def _start(self, name: str, coroutine: Coroutine[Any, Any, None]) -> None:
        self._tasks.start(coroutine, name=name, on_failure=self._defective)

    def _defective(self, error: Exception) -> None:
        if not self._defect.done():
            self._defect.set_exception(error)
