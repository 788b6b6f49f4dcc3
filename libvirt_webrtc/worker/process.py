"""A worker as the supervisor sees it: start, talk, watch, end."""

import asyncio
import itertools
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkServerProcess

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.interface import ConsoleView
from libvirt_webrtc.agent.stats import ConsoleStats
from libvirt_webrtc.errors import (
    ConsoleStarting,
    GatheringError,
    LibvirtWebRTCError,
    NegotiationError,
    NoConsole,
    WorkerError,
    WorkerGone,
)
from libvirt_webrtc.worker import forking, ipc
from libvirt_webrtc.worker.settings import WorkerSettings

log = logging.getLogger(__name__)

START_TIMEOUT_S = 20.0
END_TIMEOUT_S = 1.5
"""A worker that was told to end is killed after this."""

OVERDUE_S = 2 * ipc.BEAT_INTERVAL_S
"""Without a beat for this long a worker is looked at closely; before that it costs nobody a wake-up."""
WATCHDOG_INTERVAL_S = 0.25
MISSED_TICKS = 4
"""Looks without a beat, the first when it is overdue, after which a worker counts as hung: less than 2 s after it
stopped, counted in turns of our own event loop, so that a delay on this side never kills a healthy worker."""

_REFUSALS: dict[str, type[LibvirtWebRTCError]] = {
    cls.__name__: cls for cls in (NegotiationError, GatheringError, NoConsole, ConsoleStarting)
}


def _refusal(answer: ipc.Message) -> LibvirtWebRTCError:
    if isinstance(answer, ipc.Refused):
        return _REFUSALS.get(answer.kind, WorkerError)(answer.message)
    return WorkerError(f"the console's worker answered with {type(answer).__name__}")


class WorkerProcess:
    """One worker. Made by :meth:`start`; ``close()`` ends it and may be called any number of times.

    Attributes:
        pid: the process.
        consoles, vm_name: the last status it sent.
        viewers: the names of those whose offer it was given, until they end.
        on_status: called after they changed.
        on_display_lost: called with a reason when it needs another display descriptor.
        on_registered: called with the count of listeners that were registered with its QEMU, before each new one.
        exited: set when the process is gone.
    """

    def __init__(self, process: ForkServerProcess, channel: ipc.Channel, name: str) -> None:
        self.consoles: tuple[ConsoleView, ...] = ()
        self.vm_name = ""
        self.viewers: set[str] = set()
        self.on_status: Callable[[], None] | None = None
        self.on_display_lost: Callable[[str], None] | None = None
        self.on_registered: Callable[[int], None] | None = None
        self.exited = asyncio.Event()
        assert process.pid is not None
        self.pid = process.pid
        self._name = name
        self._process = process
        self._channel = channel
        self._requests = itertools.count(1)
        self._answers: dict[int, asyncio.Future[ipc.Message]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._beats = 0
        self._first_beat = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._last_beat = loop.time()
        loop.add_reader(process.sentinel, self._reap)
        self._reader = loop.create_task(self._read(), name=f"worker {name} messages")
        self._watchdog = loop.create_task(self._watch(), name=f"worker {name} watchdog")

    @classmethod
    async def start(cls, settings: WorkerSettings) -> "WorkerProcess":
        """Fork a worker for one domain.

        Raises:
            WorkerError: the process could not be made.
        """
        forking = asyncio.create_task(_fork(settings), name=f"fork for {settings.domain_name}")
        try:
            process, sock = await asyncio.shield(forking)
        except asyncio.CancelledError:
            # A process that is being forked cannot be called back; it ends because its channel does.
            await asyncio.wait({forking})
            if forking.exception() is None:
                process, sock = forking.result()
                await cls(process, ipc.Channel(sock), settings.domain_name).close()
            raise
        log.info("worker %s for %s started", process.pid, settings.domain_name)
        return cls(process, ipc.Channel(sock), settings.domain_name)

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

    async def offer(self, viewer: str, console: int, sdp: str) -> str:
        """The answer's SDP. The viewer is ended where this is cancelled, or not answered within ``WORKER_ANSWER_S``.

        Raises:
            NegotiationError, NoConsole, ConsoleStarting: as the worker says.
            WorkerGone: it ended, or did not answer in time.
        """
        number = next(self._requests)
        # Before the answer: its viewer may have ended when this coroutine is resumed.
        self.viewers.add(viewer)
        try:
            answer = await self._ask(number, ipc.Offer(number, viewer, console, sdp))
            if isinstance(answer, ipc.Answered):
                return answer.sdp
            raise _refusal(answer)
        except BaseException as error:
            self.viewers.discard(viewer)
            if isinstance(error, asyncio.CancelledError | WorkerError):
                # The worker may answer yet, and its viewer would wait for a page that has gone.
                self._abandon(viewer)
            raise

    async def close_viewer(self, viewer: str) -> bool:
        """End one viewer; False when it was already gone."""
        number = next(self._requests)
        answer = await self._ask(number, ipc.CloseViewer(number, viewer))
        return isinstance(answer, ipc.Done) and answer.found

    async def stats(self, console: int) -> ConsoleStats:
        """What a console's video does.

        Raises:
            NoConsole: there is no such console.
            WorkerGone: it ended, or did not answer in time.
        """
        number = next(self._requests)
        answer = await self._ask(number, ipc.AskStats(number, console))
        if isinstance(answer, ipc.Stats):
            return ConsoleStats(tuple(answer.renditions), tuple(answer.viewers))
        raise _refusal(answer)

    async def close(self) -> None:
        """End the process: by closing its channel, by SIGKILL where that does not help."""
        self._channel.close()
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await self.exited.wait()
        except TimeoutError:
            log.warning("worker %s for %s did not end; killing it", self.pid, self._name)
            self._kill()
            await self.exited.wait()
        await asyncio.gather(self._reader, self._watchdog, *self._tasks, return_exceptions=True)

    def _abandon(self, viewer: str) -> None:
        """Have the worker end a viewer for whose answer nobody waits any more."""
        task = asyncio.create_task(self._send_close(viewer), name=f"abandon a viewer of {self._name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_close(self, viewer: str) -> None:
        with suppress(WorkerGone):
            # Nobody waits for its Done.
            await self._channel.send(ipc.CloseViewer(next(self._requests), viewer))

    async def _ask(self, number: int, message: ipc.Message) -> ipc.Message:
        future: asyncio.Future[ipc.Message] = asyncio.get_running_loop().create_future()
        self._answers[number] = future
        try:
            async with asyncio.timeout(limits.WORKER_ANSWER_S):
                await self._channel.send(message)
                return await future
        except TimeoutError:
            raise WorkerGone("the console's worker did not answer in time") from None
        finally:
            del self._answers[number]

    async def _read(self) -> None:
        try:
            while True:
                message, fds = await self._channel.receive()
                for fd in fds:
                    os.close(fd)
                self._handle(message)
        except WorkerGone:
            pass  # It ended, or we are closing: _reap() and close() take it from here.
        except WorkerError as error:
            log.error("worker %s for %s is not to be trusted any more: %s", self.pid, self._name, error)
            self._kill()

    def _handle(self, message: ipc.Message) -> None:
        match message:
            case ipc.Beat():
                self._beats += 1
                self._first_beat.set()
                self._last_beat = asyncio.get_running_loop().time()
            case ipc.Answered(request) | ipc.Refused(request) | ipc.Done(request) | ipc.Stats(request):
                future = self._answers.get(request)
                if future is not None and not future.done():
                    future.set_result(message)
            case ipc.ViewerEnded(viewer):
                self.viewers.discard(viewer)
            case ipc.Status(vm_name, consoles):
                self.vm_name, self.consoles = vm_name, tuple(consoles)
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
        """Kill a worker whose event loop stands still: QEMU queues updates for it without bound."""
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):  # then it is overdue indeed
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._first_beat.wait()
        missed = 0
        while missed < MISSED_TICKS:
            seen = self._beats
            overdue = self._last_beat + OVERDUE_S
            await asyncio.sleep(max(overdue - loop.time(), WATCHDOG_INTERVAL_S))
            missed = missed + 1 if self._beats == seen else 0
        log.error("worker %s for %s hangs; killing it", self.pid, self._name)
        self._kill()

    def _kill(self) -> None:
        if not self.exited.is_set():
            self._process.kill()

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        log.info("worker %s for %s ended (status %s)", self.pid, self._name, self._process.exitcode)
        self._process.close()
        self._watchdog.cancel()
        self._channel.close()
        for future in self._answers.values():
            if not future.done():
                future.set_exception(WorkerGone("the console's worker ended"))
        self.exited.set()


async def _fork(settings: WorkerSettings) -> tuple[ForkServerProcess, socket.socket]:
    """A worker's process, and our end of its channel. Raises WorkerError."""
    ours, theirs = ipc.Channel.pair()
    process = forking.context.Process(
        target=_enter, args=(theirs, settings), name=f"console {settings.domain_name}", daemon=True
    )

    def start() -> None:
        forking.warm_up()
        process.start()

    try:
        await asyncio.to_thread(start)
    except (OSError, EOFError) as error:
        ours.close()
        raise WorkerError(f"cannot start a worker: {error}") from error
    finally:
        theirs.close()
    return process, ours


def _enter(sock: socket.socket, settings: WorkerSettings) -> None:
    """The forked child's first step; imported late so that this process never loads what only workers use."""
    from libvirt_webrtc.worker.main import run

    run(sock, settings)
