"""A worker: one domain, the only place where display, media and viewers meet.

It has QEMU's display as a file descriptor and its supervisor's socket, and nothing else: no libvirt, no sessions.
When either end of that socket closes, the worker ends.
"""

import asyncio
import importlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from libvirt_webrtc import logs
from libvirt_webrtc.display.console import Display
from libvirt_webrtc.display.registrations import RegistrationBudget
from libvirt_webrtc.errors import (
    DisplayError,
    GraphicsError,
    LibvirtWebRTCError,
    NoConsole,
    SandboxError,
    WorkerError,
    WorkerGone,
)
from libvirt_webrtc.media import aiortc_ext
from libvirt_webrtc.media.aiortc_ext import ice
from libvirt_webrtc.worker import ipc
from libvirt_webrtc.worker.sandbox.libc import set_process_name
from libvirt_webrtc.worker.sandbox.lock import lock_in
from libvirt_webrtc.worker.settings import WorkerSettings
from libvirt_webrtc.worker.shared_consoles import SharedConsoles

log = logging.getLogger(__name__)


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
        sys.exit(1)
    aiortc_ext.install()
    if settings.offer_loopback:
        ice.offer_loopback()
    asyncio.run(_run(sock, settings))


def _import_graphics() -> None:
    """Import what reads pictures with OpenGL while this process may still read modules; not in the fork server:
    others do without it (4 MB)."""
    with suppress(GraphicsError):
        # The first picture's error says what is missing.
        importlib.import_module("libvirt_webrtc.display.gl.picture")
        importlib.import_module("libvirt_webrtc.display.gl.context")


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
    """Answers the supervisor's messages; owns the display, its consoles and every task it starts."""

    def __init__(self, channel: ipc.Channel, settings: WorkerSettings) -> None:
        self._channel = channel
        self._display: Display | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._status_due = asyncio.Event()
        self._shared_consoles = SharedConsoles(
            settings, on_change=self._status_due.set, on_viewer_ended=self._viewer_ended
        )

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
                    self._own(self._use_display(socket.socket(fileno=fds[0]), message))
                case ipc.Offer():
                    self._own(self._answer(message))
                case ipc.CloseViewer():
                    self._own(self._close_viewer(message))
                case ipc.AskStats():
                    self._own(self._tell_stats(message))
                case ipc.DomainPaused(paused):
                    self._shared_consoles.set_paused(paused)
                case _:
                    # The supervisor is the same program: end loudly, and the descriptors with this process.
                    raise WorkerError(f"{type(message).__name__} with {len(fds)} descriptors")

    async def close(self) -> None:
        """Release what viewers hold, end them, and leave QEMU's display."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._shared_consoles.close()
        if self._display is not None:
            self._display.close()

    async def _use_display(self, sock: socket.socket, how: ipc.UseDisplay) -> None:
        budget = RegistrationBudget(how.registrations, on_use=self._tell_registrations)
        try:
            display = await Display.open(sock, on_bus=how.on_bus, registrations=budget)
        except DisplayError as error:
            await self._channel.send(ipc.DisplayLost(f"QEMU's display cannot be used: {error}"))
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
            sdp = await self._shared_consoles.admit(offer.viewer, offer.console, offer.sdp)
        except LibvirtWebRTCError as error:
            await self._channel.send(ipc.Refused(offer.request, type(error).__name__, str(error)))
        else:
            await self._channel.send(ipc.Answered(offer.request, sdp))

    async def _close_viewer(self, message: ipc.CloseViewer) -> None:
        found = await self._shared_consoles.dismiss(message.viewer)
        await self._channel.send(ipc.Done(message.request, found))

    async def _tell_stats(self, asked: ipc.AskStats) -> None:
        try:
            stats = self._shared_consoles.find(asked.console).stats()
        except NoConsole as error:
            await self._channel.send(ipc.Refused(asked.request, type(error).__name__, str(error)))
        else:
            await self._channel.send(ipc.Stats(asked.request, list(stats.renditions), list(stats.viewers)))

    def _viewer_ended(self, viewer: str) -> None:
        self._own(self._channel.send(ipc.ViewerEnded(viewer)))

    def _tell_registrations(self, registrations: int) -> None:
        """The count outlives this process: QEMU leaks for as long as QEMU runs."""
        self._own(self._channel.send(ipc.Registered(registrations)))

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
                await self._channel.send(ipc.Status(self._display.name, self._shared_consoles.views()))

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
