"""Registrations with QEMU are counted for as long as QEMU runs: workers, and displays, come and go meanwhile."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libvirt_webrtc.agent.interface import ConsoleState
from libvirt_webrtc.display.registrations import MAX_REGISTRATIONS
from libvirt_webrtc.errors import DisplayError, LibvirtWebRTCError, NoConsole
from libvirt_webrtc.service import worker_supervisor as worker_supervisor_module
from libvirt_webrtc.service.registration_counts import RegistrationCount, RegistrationCounts
from libvirt_webrtc.service.worker_supervisor import DisplaySource, WorkerSupervisor
from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu
from tests.worker.viewer_client import ViewerClient

SETTINGS = WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)


class Told:
    """What ``workers`` were told of earlier registrations, in order; ``pretend`` is told in its place."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.registrations: list[int] = []
        self.workers: list[WorkerProcess] = []
        self.pretend: int | None = None
        really = WorkerProcess.use_display

        async def use_display(
            worker: WorkerProcess, fd: int, *, on_bus: bool = False, registrations: int = 0
        ) -> None:
            self.workers.append(worker)
            self.registrations.append(registrations)
            told = registrations if self.pretend is None else self.pretend
            await really(worker, fd, on_bus=on_bus, registrations=told)

        patch.setattr(WorkerProcess, "use_display", use_display)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(worker_supervisor_module, "RETRY_DELAYS_S", (0.01,))
    monkeypatch.setattr(worker_supervisor_module, "AWAITED_DELAYS_S", (0.01,))
    return Told(monkeypatch)


@pytest.fixture
async def qemu() -> AsyncIterator[Qemu]:
    async with Qemu("-device", "VGA") as running:
        yield running


class Display:
    """The display of a QEMU, opened as often as it is asked for; ``gone`` is no QEMU at all."""

    def __init__(self, qemu: Qemu) -> None:
        self.gone = False
        self._qemu = qemu

    async def open(self) -> int:
        if self.gone:
            raise DisplayError("no QEMU")
        return (await self._qemu.open_display()).detach()


async def look_once(supervisor: WorkerSupervisor, killed: set[int | None]) -> None:
    """One viewer, on a worker that is not one of ``killed``; then that worker is killed as well."""
    await until(lambda: supervisor.state is ConsoleState.READY and supervisor.worker_pid not in killed)
    async with ViewerClient() as viewer:
        await viewer.take((await supervisor.offer(0, await viewer.offer(), ADMIN)).sdp)
        await until(lambda: bool(viewer.frames))
    pid = supervisor.worker_pid
    assert pid is not None
    killed.add(pid)
    os.kill(pid, signal.SIGKILL)


async def test_the_count_goes_from_one_worker_to_the_next(told: Told, qemu: Qemu) -> None:
    supervisor = WorkerSupervisor(SETTINGS, DisplaySource(Display(qemu).open), lambda: None)
    try:
        killed: set[int | None] = {None}
        for _ in range(2):
            await look_once(supervisor, killed)
        await until(lambda: len(told.registrations) == 3)
    finally:
        await supervisor.close()
    assert told.registrations == [0, 1, 2]


async def test_a_worker_that_tells_of_fewer_is_not_believed(told: Told, qemu: Qemu) -> None:
    supervisor = WorkerSupervisor(SETTINGS, DisplaySource(Display(qemu).open), lambda: None)
    try:
        await look_once(supervisor, {None})
        tell = told.workers[0].on_registered
        assert tell is not None
        tell(0)
        await until(lambda: len(told.registrations) == 2)
    finally:
        await supervisor.close()
    assert told.registrations == [0, 1]


async def test_a_display_that_was_away_is_of_another_qemu(told: Told, qemu: Qemu) -> None:
    display = Display(qemu)
    supervisor = WorkerSupervisor(SETTINGS, DisplaySource(display.open, awaited=True), lambda: None)
    try:
        killed: set[int | None] = {None}
        await look_once(supervisor, killed)
        display.gone = True
        await until(lambda: supervisor.state is ConsoleState.FAILED)
        display.gone = False
        await look_once(supervisor, killed)
    finally:
        await supervisor.close()
    assert told.registrations[:2] == [0, 0]


async def test_a_worn_out_qemu_is_not_registered_with_again_and_the_viewer_is_told(
    told: Told, qemu: Qemu
) -> None:
    told.pretend = MAX_REGISTRATIONS
    supervisor = WorkerSupervisor(SETTINGS, DisplaySource(Display(qemu).open), lambda: None)
    try:
        await until(lambda: supervisor.state is ConsoleState.READY)
        before = qemu.fds()
        async with ViewerClient() as viewer:
            with pytest.raises(LibvirtWebRTCError, match="virsh managedsave, then virsh start"):
                await supervisor.offer(0, await viewer.offer(), ADMIN)
        assert qemu.fds() == before
    finally:
        await supervisor.close()


async def test_the_count_goes_from_one_service_to_the_next(told: Told, qemu: Qemu, tmp_path: Path) -> None:
    for _ in range(2):
        counts = RegistrationCounts(tmp_path / "registrations", "test:///default")
        counts.keep([("uuid", 1)])
        count = counts.of("uuid", 1)
        supervisor = WorkerSupervisor(SETTINGS, DisplaySource(Display(qemu).open), lambda: None, count)
        try:
            await look_once(supervisor, {None})
        finally:
            await supervisor.close()
    assert [told.registrations[0], max(told.registrations), count.used] == [0, 1, 2]


async def test_a_worn_out_qemu_gets_no_worker_and_the_list_says_what_to_do(told: Told, qemu: Qemu) -> None:
    count = RegistrationCount(MAX_REGISTRATIONS - 1)
    supervisor = WorkerSupervisor(SETTINGS, DisplaySource(Display(qemu).open), lambda: None, count)
    try:
        # The last one that is allowed is watched until its worker ends.
        await look_once(supervisor, {None})
        await until(lambda: supervisor.state is ConsoleState.NONE)
        assert "virsh managedsave" in str(supervisor.reason)
        assert supervisor.worker_pid is None
        with pytest.raises(NoConsole, match="virsh managedsave"):
            await supervisor.offer(0, "v=0", ADMIN)
    finally:
        await supervisor.close()
