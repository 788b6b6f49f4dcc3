"""A worker as the supervisor sees it: start, talk, watch, end."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from multiprocessing.context import ForkServerProcess
from typing import Any

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.ends import ViewerEnd
from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.agent.interface import ConsoleView
from libvirt_webrtc.agent.stats import ConsoleStats
from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.config.ice import IceServer
from libvirt_webrtc.errors import MessageRefused, NegotiationError, WorkerError, WorkerGone
from libvirt_webrtc.worker import forking, ipc
from libvirt_webrtc.worker.channel import Channel
from libvirt_webrtc.worker.message_socket import MessageSocket
from libvirt_webrtc.worker.requests import Requests, refusal
from libvirt_webrtc.worker.settings import WorkerSettings
from libvirt_webrtc.worker.viewer_stream import SocketStream
from libvirt_webrtc.worker.watchdog import Watchdog

log = logging.getLogger(__name__)

STATUS_S = 0.5
"""Limit for hearing from the fork server with which status a worker ended, in seconds. It takes a millisecond, unless
the fork server stands still."""

LATE_S = 0.05
"""After this many seconds the fork server is looked at."""


class WorkerProcess:
    """One worker process. Made by :meth:`start`, ended by :meth:`close`.

    Attributes:
        pid: of the process.
        consoles, vm_name: from the last status that it sent.
        viewers: what was sent to each viewer whose offer it was given, as it told last; until they end.
        on_status: called after ``consoles`` or ``vm_name`` changed.
        on_display_lost: called with a reason when the worker needs another display descriptor.
        on_viewer_ended: called when a viewer, or an offer for one, ended, and the process with its viewers.
        on_registered: called with the number of listeners that were registered with its QEMU, before each new one.
        exited: set when the process is gone.
        why_ended: in a sentence, once ``exited`` is set and nobody asked the process to end.
    """

    def __init__(self, process: ForkServerProcess, channel: Channel, name: str) -> None:
        """
        Args:
            process: as :func:`fork` made it.
            channel: our end of its channel; closed with this object.
            name: the domain's, for the log.
        """
        self.consoles: tuple[ConsoleView, ...] = ()
        self.vm_name = ""
        self.viewers: dict[str, int] = {}
        self.on_status: Callable[[], None] | None = None
        self.on_display_lost: Callable[[str], None] | None = None
        self.on_viewer_ended: Callable[[ViewerEnd], None] | None = None
        self.on_registered: Callable[[int], None] | None = None
        self.exited = asyncio.Event()
        self.why_ended = "the console's worker ended unexpectedly"
        assert process.pid is not None
        self.pid = process.pid
        self._name = name
        self._process = process
        self._channel = channel
        self._requests = Requests(channel)
        self._watchdog = Watchdog()
        self._tasks = TaskSet(expected=(WorkerGone,))
        # Not the process's sentinel: that is the fork server's word, which may stand still or end.
        self._pidfd = -1
        loop = asyncio.get_running_loop()
        try:
            self._pidfd = os.pidfd_open(process.pid)
            loop.add_reader(self._pidfd, self._gone)
        except ProcessLookupError:
            loop.call_soon(self._gone)
        self._start(self._read(), "messages")
        self._watching = self._start(self._watch(), "watchdog")

    @property
    def beats(self) -> int:
        """How many heartbeats it has sent."""
        return self._watchdog.beats

    @classmethod
    async def start(cls, settings: WorkerSettings) -> "WorkerProcess":
        """Fork a worker for one domain. May be cancelled, and then returns when the process has ended.

        Raises:
            WorkerError: the process could not be made.
        """
        forking = asyncio.create_task(fork(settings), name=f"fork for {settings.domain_name}")
        try:
            process, sock = await asyncio.shield(forking)
        except asyncio.CancelledError:
            # A process that is being forked cannot be called back; it ends because its channel does.
            await asyncio.wait({forking})
            if forking.exception() is None:
                process, sock = forking.result()
                await cls(process, Channel(sock), settings.domain_name).close()
            raise
        log.info("worker %s for %s started", process.pid, settings.domain_name)
        return cls(process, Channel(sock), settings.domain_name)

    async def use_display(self, fd: int, *, on_bus: bool = False, registrations: int = 0) -> None:
        """Give it QEMU's D-Bus display, or the bus that it is on.

        Args:
            fd: taken over, and closed here.
            on_bus: ``fd`` leads to the bus that the display is on.
            registrations: how many listeners were registered with this QEMU process before.
        """
        try:
            await self._channel.send(ipc.UseDisplay(on_bus, registrations), [fd])
        finally:
            os.close(fd)

    async def set_paused(self, paused: bool) -> None:
        """Tell it, and so its viewers, that the guest is paused or runs."""
        await self._channel.send(ipc.DomainPaused(paused))

    async def offer(
        self, viewer: str, console: int, sdp: str, grant: Grant, ice_servers: tuple[IceServer, ...] = ()
    ) -> str:
        """The answer's SDP. The viewer is ended where this is cancelled, or not answered within ``WORKER_ANSWER_S``.

        Raises:
            NegotiationError, NoConsole, ConsoleStarting: as the worker says.
            WorkerGone: it ended, or did not answer in time.
        """
        # Before the answer: its viewer may have ended when this coroutine is resumed.
        self.viewers[viewer] = 0
        try:
            answer = await self._requests.ask(
                lambda number: ipc.Offer(number, viewer, console, sdp, grant, ice_servers)
            )
            if isinstance(answer, ipc.Answered):
                return answer.sdp
            raise refusal(answer)
        except MessageRefused as error:
            self._viewer_ended(viewer)
            raise NegotiationError(f"the offer cannot be taken: {error}") from error
        except BaseException as error:
            self._viewer_ended(viewer)
            if isinstance(error, asyncio.CancelledError | WorkerError):
                # The worker may answer yet, and its viewer would wait for a page that has gone.
                self._abandon(viewer)
            raise

    async def open_stream(self, viewer: str, console: int, grant: Grant) -> SocketStream:
        """A viewer's stream. The viewer is ended where this is cancelled, or not answered within ``WORKER_ANSWER_S``.

        Raises:
            NoConsole, TooManyViewers, ConsoleStarting: as the worker says.
            WorkerGone: it ended, or did not answer in time.
        """
        ours, theirs = MessageSocket.pair()
        self.viewers[viewer] = 0
        try:
            with theirs:
                answer = await self._requests.ask(
                    lambda number: ipc.OpenStream(number, viewer, console, grant), [theirs.fileno()]
                )
            if isinstance(answer, ipc.Done):
                return await SocketStream.open(viewer, ours)
            raise refusal(answer)
        except BaseException:
            self._viewer_ended(viewer)
            ours.close()  # which the worker sees, whatever it has answered
            raise

    async def close_viewer(self, viewer: str) -> bool:
        """End one viewer; False when it was already gone."""
        answer = await self._requests.ask(lambda number: ipc.CloseViewer(number, viewer))
        return isinstance(answer, ipc.Done) and answer.found

    async def stats(self, console: int) -> ConsoleStats:
        """What a console's video does.

        Raises:
            NoConsole: there is no such console.
            WorkerGone: it ended, or did not answer in time.
        """
        answer = await self._requests.ask(lambda number: ipc.AskStats(number, console))
        if isinstance(answer, ipc.Stats):
            return ConsoleStats(answer.renditions, answer.viewers)
        raise refusal(answer)

    async def close(self) -> None:
        """End the process: by closing its channel, after WORKER_END_S by SIGKILL. Idempotent."""
        self._channel.close()
        try:
            async with asyncio.timeout(limits.WORKER_END_S):
                await self.exited.wait()
        except TimeoutError:
            log.warning("worker %s for %s did not end; killing it", self.pid, self._name)
            self._kill()
            await self.exited.wait()
        await self._tasks.close()

    def _abandon(self, viewer: str) -> None:
        """Have the worker end a viewer for whose answer nobody waits any more."""
        self._tasks.start(self.close_viewer(viewer), name=f"abandon a viewer of worker {self.pid}")

    async def _read(self) -> None:
        try:
            while True:
                message, fds = await self._channel.receive()
                for fd in fds:
                    os.close(fd)
                self._handle(message)
        except WorkerGone:
            pass  # It ended, or we are closing: _reap() and close() do the rest.
        except WorkerError as error:
            log.error("worker %s for %s is not to be trusted any more: %s", self.pid, self._name, error)
            self._kill()

    def _handle(self, message: ipc.Message) -> None:
        match message:
            case ipc.Beat(bytes_sent):
                self._watchdog.beat()
                for viewer in self.viewers.keys() & bytes_sent.keys():
                    self.viewers[viewer] = bytes_sent[viewer]
            case ipc.Answered() | ipc.Refused() | ipc.Done() | ipc.Stats():
                self._requests.answered(message)
            case ipc.ViewerEnded(viewer, bytes_sent):
                self._viewer_ended(viewer, bytes_sent)
            case ipc.Status(vm_name, consoles):
                self.vm_name, self.consoles = vm_name, consoles
                if self.on_status is not None:
                    self.on_status()
            case ipc.DisplayLost(reason):
                if self.on_display_lost is not None:
                    self.on_display_lost(reason)
            case ipc.Registered(registrations):
                if self.on_registered is not None:
                    self.on_registered(registrations)
            case _:
                raise WorkerError(f"a worker does not send {type(message).__name__}")

    async def _watch(self) -> None:
        await self._watchdog.hang()
        # QEMU queues updates without bound for a listener that does not read.
        log.error("worker %s for %s hangs; killing it", self.pid, self._name)
        self._kill()

    def _start(self, coroutine: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        """Start a task that this worker cannot do without: where it fails, the worker is killed."""
        name = f"worker {self.pid} {what}"
        return self._tasks.start(coroutine, name=name, on_failure=lambda _: self._kill())

    def _kill(self) -> None:
        if self._pidfd >= 0:
            with suppress(ProcessLookupError):  # it has ended, and _gone() is about to be called
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _gone(self) -> None:
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        self._watching.cancel()
        self._channel.close()
        self._requests.end()
        for viewer in list(self.viewers):
            self._viewer_ended(viewer)
        self._tasks.start(self._bury(), name=f"end of worker {self.pid}")

    def _viewer_ended(self, viewer: str, bytes_sent: int | None = None) -> None:
        """Forget a viewer, and tell of its end; once, whoever notices it first."""
        last_told = self.viewers.pop(viewer, None)
        if last_told is not None and self.on_viewer_ended is not None:
            self.on_viewer_ended(ViewerEnd(viewer, last_told if bytes_sent is None else bytes_sent))

    async def _bury(self) -> None:
        status = await in_thread(self._status)
        log.info("worker %s for %s ended (status %s)", self.pid, self._name, status)
        if status == ipc.EXIT_NOT_LOCKED_IN:
            remedy = "the log says why, and 'libvirt-webrtc doctor' what to do"
            self.why_ended = f"the console's worker could not be locked in: {remedy}"
        self.exited.set()
        if status is None:
            await in_thread(self._collect)

    def _status(self) -> int | None:
        """With which status it ended; None where the fork server does not tell. Blocking, for a second at most."""
        self._process.join(LATE_S)
        if self._process.exitcode is None:
            forking.end_stopped()
            self._process.join(STATUS_S)
        status = self._process.exitcode
        if status is not None:
            self._process.close()
        return status

    def _collect(self) -> None:
        """Free what is kept of a process whose status has not been told. Blocking; the fork server may be busy."""
        self._process.join()
        self._process.close()


async def fork(settings: WorkerSettings) -> tuple[ForkServerProcess, socket.socket]:
    """Start a worker's process; returns it and our end of its channel.

    Must not be cancelled, since a process that is being forked cannot be called back: see :meth:`WorkerProcess.start`.

    Raises:
        WorkerError: the process could not be made.
    """
    ours, theirs = Channel.pair()
    process = forking.context.Process(
        target=_enter, args=(theirs, settings), name=f"console {settings.domain_name}", daemon=True
    )
    try:
        await in_thread(partial(forking.start, process))
    except (OSError, EOFError) as error:
        ours.close()
        raise WorkerError(f"cannot start a worker: {error}") from error
    finally:
        theirs.close()
    return process, ours


def _enter(sock: socket.socket, settings: WorkerSettings) -> None:
    """Run the worker, in its own process. The import is here so that the supervisor never loads what workers use."""
    from libvirt_webrtc.worker.main import run

    run(sock, settings)
