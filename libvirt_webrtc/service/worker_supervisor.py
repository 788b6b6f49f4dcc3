"""Keeps one domain's worker alive and supplied with its display, for as long as the domain runs."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from libvirt_webrtc.agent.ends import ViewerEnd
from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.agent.interface import Answer, ConsoleState, ConsoleView, ViewerStream
from libvirt_webrtc.agent.stats import ConsoleStats
from libvirt_webrtc.concurrency.tasks import LongLivedTask, until_one_ends
from libvirt_webrtc.config.ice import IceServer
from libvirt_webrtc.display.registrations import MAX_REGISTRATIONS, worn_out
from libvirt_webrtc.errors import (
    ConsoleStarting,
    DisplayError,
    DisplayUnusable,
    HypervisorError,
    NoConsole,
    WorkerError,
)
from libvirt_webrtc.service.registration_counts import RegistrationCount
from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.settings import WorkerSettings

log = logging.getLogger(__name__)

RETRY_DELAYS_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each further try, of a worker or of its display; the last value repeats. The first is short because
a viewer may be waiting, the last is long so that a crash loop costs little."""

AWAITED_DELAYS_S = (0.1, 0.5, 1.0, 2.0)
"""Seconds before each further look for a display that may come at any time; a look costs some milliseconds."""

STABLE_S = 20.0
"""After a worker, or a display, lasted this many seconds, the delays begin anew."""

NO_SCREEN = "it has no screen: QEMU has no display device, such as virtio-vga (libvirt: <video>)"

OpenDisplay = Callable[[], Awaitable[int]]
"""Gives a descriptor, which is the caller's. Raises HypervisorError or DisplayError; DisplayUnusable where it is not to
be tried again."""


@dataclass(frozen=True, slots=True)
class DisplaySource:
    """How to open a domain's display, as often as it is needed."""

    open: OpenDisplay
    on_bus: bool = False
    """Whether what is opened is the bus that the display is on."""
    awaited: bool = False
    """Whether nobody tells when the display is there. It is looked for again and again, and nothing is logged."""


class WorkerSupervisor:
    """One running domain's console.

    Attributes:
        state, reason: as the list shows them.
        consoles, worker_pid, vm_name: of the present worker.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        display: DisplaySource,
        on_change: Callable[[], None],
        registrations: RegistrationCount | None = None,
        *,
        ice_servers: Callable[[], tuple[IceServer, ...]] = tuple,
        on_viewer_ended: Callable[[ViewerEnd], None] | None = None,
    ) -> None:
        """
        Args:
            settings: for every worker.
            display: the domain's.
            on_change: called when anything that the list shows has changed.
            registrations: those with the domain's QEMU; None: there were none, and nobody else counts.
            ice_servers: gives the STUN and TURN servers for the worker's side of one viewer's connection.
            on_viewer_ended: called with the end of each viewer.
        """
        self.state = ConsoleState.STARTING
        self.reason: str | None = "the console is being set up"
        self._settings = settings
        self._display = display
        self._on_change = on_change
        self._ice_servers = ice_servers
        self._on_viewer_ended = on_viewer_ended
        self._paused = False
        self._worker: WorkerProcess | None = None
        self._display_lost = asyncio.Event()
        self._was_ready = False
        self._again = asyncio.Event()
        """Set by :meth:`try_again`."""
        self._registrations = registrations or RegistrationCount()
        self._task = LongLivedTask(
            self._run,
            name=f"console of {settings.domain_name}",
            on_failure=self._failed,
            restart_delays_s=RETRY_DELAYS_S,
        )

    @property
    def worker_pid(self) -> int | None:
        return self._worker.pid if self._worker is not None else None

    @property
    def consoles(self) -> tuple[ConsoleView, ...]:
        return self._worker.consoles if self._worker is not None else ()

    @property
    def vm_name(self) -> str:
        return self._worker.vm_name if self._worker is not None else ""

    async def offer(self, console: int, sdp: str, grant: Grant) -> Answer:
        """As :meth:`libvirt_webrtc.agent.interface.Agent.offer`."""
        viewer = secrets.token_urlsafe(16)
        answer = await self._ready_worker().offer(viewer, console, sdp, grant, self._ice_servers())
        return Answer(answer, viewer)

    async def open_stream(self, console: int, grant: Grant) -> ViewerStream:
        """As :meth:`libvirt_webrtc.agent.interface.Agent.open_stream`."""
        return await self._ready_worker().open_stream(secrets.token_urlsafe(16), console, grant)

    async def close_viewer(self, viewer: str) -> bool:
        """End one viewer; False when it is already gone."""
        return self._worker is not None and await self._worker.close_viewer(viewer)

    def has_viewer(self, viewer: str) -> bool:
        """Whether this viewer is connected, or about to be."""
        return self._worker is not None and viewer in self._worker.viewers

    async def stats(self, console: int) -> ConsoleStats:
        """What a console's video does; errors as :meth:`libvirt_webrtc.agent.interface.Agent.stats`."""
        return await self._ready_worker().stats(console)

    async def set_paused(self, paused: bool) -> None:
        """Tell the worker, and by it the viewers, that the guest is paused or runs."""
        if paused != self._paused:
            self._paused = paused
            if self._worker is not None:
                await self._worker.set_paused(paused)

    def try_again(self) -> None:
        """What the next try waits for may be over, libvirt's absence for instance: try at once, with short delays."""
        self._again.set()

    async def close(self) -> None:
        """End the worker. Idempotent; takes as long as the worker takes to end, some seconds at most."""
        await self._task.close()

    def _ready_worker(self) -> WorkerProcess:
        if self._worker is None or self.state is not ConsoleState.READY:
            if self.state in (ConsoleState.FAILED, ConsoleState.NONE):
                raise NoConsole(self.reason or "the console failed")
            raise ConsoleStarting(self.reason or "the console is being set up")
        return self._worker

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            try:
                reason = await self._live()
            except WorkerError as error:
                reason = str(error)
            except DisplayUnusable as error:
                log.warning("console of %s: %s", self._settings.domain_name, error)
                self._set(ConsoleState.NONE, str(error))
                await asyncio.Event().wait()
            failures = 1 if loop.time() - began > STABLE_S else failures + 1
            if await self._back_off(failures, reason):
                failures = 0

    async def _live(self) -> str:
        """One worker's life; returns why it ended."""
        if self._registrations.used >= MAX_REGISTRATIONS and not self._display.awaited:
            # Of a display that is awaited, the next QEMU may be another.
            raise DisplayUnusable(worn_out(self._registrations.used))
        worker = await WorkerProcess.start(self._settings)
        worker.on_status = self._status_changed
        worker.on_display_lost = self._display_was_lost
        worker.on_registered = self._registrations.tell
        worker.on_viewer_ended = self._on_viewer_ended
        self._worker = worker
        try:
            await worker.set_paused(self._paused)
            await until_one_ends(self._supply_display(worker), worker.exited.wait())
            return worker.why_ended
        finally:
            self._worker = None
            await worker.close()

    async def _supply_display(self, worker: WorkerProcess) -> None:
        """Open the domain's display for the worker, again whenever it is lost.

        A display that somebody else opens is taken from us (QEMU serves one client at a time): the growing
        delay keeps two programs from fighting over it.
        """
        loop = asyncio.get_running_loop()
        failures = looks = 0
        while True:
            began = loop.time()
            self._display_lost.clear()
            self._was_ready = False
            try:
                fd = await self._display.open()
                await worker.use_display(
                    fd, on_bus=self._display.on_bus, registrations=self._registrations.used
                )
                await self._display_lost.wait()
            except DisplayUnusable:
                raise
            except (HypervisorError, DisplayError) as error:
                self.reason = str(error)
                if self._display.awaited:
                    self._registrations.begin_anew()
            reason = self.reason or "the display was lost"
            if self._display.awaited and not self._was_ready:
                looks += 1
                self._set(ConsoleState.FAILED, reason)
                await asyncio.sleep(_delay(AWAITED_DELAYS_S, looks))
                continue
            looks = 0
            failures = 1 if loop.time() - began > STABLE_S else failures + 1
            if await self._back_off(failures, reason):
                failures = 0

    async def _back_off(self, failures: int, reason: str) -> bool:
        """Wait before the next try; True where :meth:`try_again` ended the wait."""
        delay = _delay(RETRY_DELAYS_S, failures)
        if failures > 1:
            log.warning("console of %s: %s; next try in %s s", self._settings.domain_name, reason, delay)
            self._set(ConsoleState.FAILED, f"{reason} ({failures} times in a row)")
        else:
            self._set(ConsoleState.STARTING, reason)
        try:
            async with asyncio.timeout(delay):
                await self._again.wait()
        except TimeoutError:
            return False
        self._again.clear()
        return True

    def _status_changed(self) -> None:
        self._was_ready = True
        self._again.clear()
        if self.consoles:
            self._set(ConsoleState.READY, None)
        else:
            self._set(ConsoleState.NONE, NO_SCREEN)

    def _display_was_lost(self, reason: str) -> None:
        if self._was_ready:
            self._set(ConsoleState.STARTING, reason)
        else:
            # One more try that failed: the list need not tell that it was made.
            self.reason = reason
        self._display_lost.set()

    def _failed(self, error: Exception) -> None:
        """An unexpected error ended this task, which is about to be started again."""
        self._set(ConsoleState.FAILED, f"an unexpected error: {error!r}")

    def _set(self, state: ConsoleState, reason: str | None) -> None:
        self.state, self.reason = state, reason
        self._on_change()


def _delay(delays: Sequence[float], failures: int) -> float:
    return delays[min(failures, len(delays)) - 1]
