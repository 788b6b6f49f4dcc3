"""WorkerSupervisors with real workers; the display is a real QEMU's where one must answer."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from libvirt_webrtc.agent.interface import ConsoleState
from libvirt_webrtc.agent.stats import ConsoleStats
from libvirt_webrtc.display.display import Display
from libvirt_webrtc.errors import (
    ConsoleStarting,
    DisplayError,
    HypervisorUnavailable,
    NoConsole,
    WorkerError,
)
from libvirt_webrtc.service import worker_supervisor as worker_supervisor_module
from libvirt_webrtc.service.worker_supervisor import DisplaySource, OpenDisplay, WorkerSupervisor
from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu

SETTINGS = WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)
DELAYS = (0.01, 0.02, 0.03, 0.04)


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_supervisor_module, "RETRY_DELAYS_S", DELAYS)
    monkeypatch.setattr(worker_supervisor_module, "AWAITED_DELAYS_S", DELAYS[:1])


class Watched:
    """A worker supervisor, and every state that it told."""

    def __init__(self, open_display: OpenDisplay, awaited: bool) -> None:
        self.states: list[tuple[ConsoleState, str | None]] = []
        self.worker_supervisor = WorkerSupervisor(
            SETTINGS, DisplaySource(open_display, awaited=awaited), self._note
        )

    def _note(self) -> None:
        self.states.append((self.worker_supervisor.state, self.worker_supervisor.reason))

    def is_ready(self) -> bool:
        return self.worker_supervisor.state is ConsoleState.READY


MakeWorkerSupervisor = Callable[..., Watched]


@pytest.fixture
async def watch() -> AsyncIterator[MakeWorkerSupervisor]:
    made: list[Watched] = []

    def make(open_display: OpenDisplay, *, awaited: bool = False) -> Watched:
        made.append(Watched(open_display, awaited))
        return made[-1]

    yield make
    for each in made:
        await each.worker_supervisor.close()


@pytest.fixture
async def qemu() -> AsyncIterator[Qemu]:
    async with Qemu("-device", "VGA") as running:
        yield running


def opener(qemu: Qemu) -> OpenDisplay:
    async def open_display() -> int:
        return (await qemu.open_display()).detach()

    return open_display


@asynccontextmanager
async def taken(qemu: Qemu) -> AsyncIterator[None]:
    """Another program has opened the display, at least until somebody else does."""
    display = await Display.open(await qemu.open_display())
    try:
        yield
    finally:
        display.close()


async def never() -> int:
    raise HypervisorUnavailable("libvirtd is away")


async def dead() -> int:
    ours, theirs = socket.socketpair()
    ours.close()
    return theirs.detach()


async def test_a_console_becomes_ready_and_ends_with_its_worker_supervisor(
    watch: MakeWorkerSupervisor, qemu: Qemu
) -> None:
    watched = watch(opener(qemu))
    worker_supervisor = watched.worker_supervisor
    with pytest.raises(ConsoleStarting):
        await worker_supervisor.offer(0, "v=0", ADMIN)
    await until(watched.is_ready)
    assert [console.label for console in worker_supervisor.consoles] == [
        "VGA"
    ] and worker_supervisor.worker_pid is not None
    with pytest.raises(NoConsole, match="no graphic console 7"):
        await worker_supervisor.offer(7, "v=0", ADMIN)
    assert await worker_supervisor.stats(0) == ConsoleStats((), ())
    with pytest.raises(NoConsole, match="no graphic console 7"):
        await worker_supervisor.stats(7)
    await asyncio.gather(worker_supervisor.close(), worker_supervisor.close())
    await worker_supervisor.close()
    assert worker_supervisor.worker_pid is None and worker_supervisor.consoles == ()
    assert not await worker_supervisor.close_viewer("viewer")


async def test_a_display_that_is_taken_away_is_opened_again(watch: MakeWorkerSupervisor, qemu: Qemu) -> None:
    watched = watch(opener(qemu))
    await until(watched.is_ready)
    pid = watched.worker_supervisor.worker_pid
    for _ in range(2):
        watched.states.clear()
        async with taken(qemu):
            await until(lambda: any("another program" in str(reason) for _, reason in watched.states))
            await until(watched.is_ready)
    assert watched.worker_supervisor.worker_pid == pid


async def test_libvirt_away_leaves_the_worker_running(watch: MakeWorkerSupervisor, qemu: Qemu) -> None:
    away = False

    async def open_display() -> int:
        return await (never() if away else opener(qemu)())

    watched = watch(open_display)
    await until(watched.is_ready)
    pid, away = watched.worker_supervisor.worker_pid, True
    async with taken(qemu):
        await until(lambda: watched.worker_supervisor.state is ConsoleState.FAILED)
        with pytest.raises(NoConsole, match="libvirtd is away"):
            await watched.worker_supervisor.offer(0, "v=0", ADMIN)
        assert watched.worker_supervisor.worker_pid == pid
    away = False
    await until(watched.is_ready)
    assert watched.worker_supervisor.worker_pid == pid and watched.worker_supervisor.reason is None


async def test_displays_that_do_not_work_are_tried_ever_more_slowly(
    watch: MakeWorkerSupervisor, caplog: pytest.LogCaptureFixture
) -> None:
    watched = watch(dead)

    def delays() -> list[float]:
        # The first try again, at once, is not worth a warning.
        return [float(delay) for delay in re.findall(r"next try in (\S+) s", caplog.text)]

    await until(lambda: len(delays()) >= 5)
    assert delays()[:5] == [*DELAYS[1:], DELAYS[-1], DELAYS[-1]]
    assert watched.worker_supervisor.state is ConsoleState.FAILED
    assert "cannot be used" in str(watched.worker_supervisor.reason) and "times in a row" in str(
        watched.worker_supervisor.reason
    )


async def test_a_display_that_is_awaited_is_looked_for_without_a_word(
    watch: MakeWorkerSupervisor, qemu: Qemu, caplog: pytest.LogCaptureFixture
) -> None:
    looks = 0

    async def open_display() -> int:
        nonlocal looks
        looks += 1
        if looks < 5:
            raise DisplayError("no QEMU yet")
        # One that ends at once, then one that works.
        return await (dead() if looks < 8 else opener(qemu)())

    watched = watch(open_display, awaited=True)
    await until(watched.is_ready)
    assert looks >= 8 and not caplog.text
    # A list that tells the same is not sent again.
    told = [state for state in watched.states if state[1] == "no QEMU yet"]
    assert set(told) == {(ConsoleState.FAILED, "no QEMU yet")}
    before = len(watched.states)
    async with taken(qemu):
        await until(lambda: any("another program" in str(reason) for _, reason in watched.states[before:]))
        await until(watched.is_ready)


async def test_a_killed_worker_is_replaced_and_a_crash_loop_is_readable(
    watch: MakeWorkerSupervisor, qemu: Qemu, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = watch(opener(qemu))
    killed: set[int | None] = set()
    for _ in range(3):
        await until(
            lambda: watched.is_ready() and watched.worker_supervisor.worker_pid not in {None, *killed}
        )
        pid = watched.worker_supervisor.worker_pid
        assert pid is not None
        killed.add(pid)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: watched.worker_supervisor.worker_pid not in killed)
    await until(watched.is_ready)
    reasons = [reason for state, reason in watched.states if state is ConsoleState.FAILED]
    assert any("3 times in a row" in str(reason) for reason in reasons)
    assert "worker ended unexpectedly" in str(reasons[-1])

    # One that lived long enough starts the delays anew.
    monkeypatch.setattr(worker_supervisor_module, "STABLE_S", 0.0)
    watched.states.clear()
    pid = watched.worker_supervisor.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: watched.is_ready() and watched.worker_supervisor.worker_pid != pid)
    assert all(state is not ConsoleState.FAILED for state, _ in watched.states)


async def test_a_worker_that_cannot_be_started_is_tried_again(
    watch: MakeWorkerSupervisor, qemu: Qemu, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(settings: WorkerSettings) -> WorkerProcess:
        raise WorkerError("no more processes")

    with monkeypatch.context() as broken:
        broken.setattr(WorkerProcess, "start", refuse)
        watched = watch(opener(qemu))
        await until(lambda: watched.worker_supervisor.state is ConsoleState.FAILED)
        assert "no more processes" in str(watched.worker_supervisor.reason)
    await until(watched.is_ready)


@pytest.mark.parametrize("where", ["start", "supply"])
async def test_a_mistake_of_ours_is_logged_and_tried_again(
    watch: MakeWorkerSupervisor,
    qemu: Qemu,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
) -> None:
    async def broken(*_: object) -> int:
        raise ZeroDivisionError("ours")

    good = opener(qemu)
    now = broken if where == "supply" else good
    with monkeypatch.context() as patch:
        if where == "start":
            patch.setattr(WorkerProcess, "start", broken)
        watched = watch(lambda: now())
        await until(lambda: watched.worker_supervisor.state is ConsoleState.FAILED)
    assert "ZeroDivisionError" in str(watched.worker_supervisor.reason)
    assert "ZeroDivisionError" in caplog.text
    now = good
    await until(watched.is_ready)


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.005, 0.02, 0.1])
async def test_closing_at_any_moment_of_a_start_leaves_nothing(
    watch: MakeWorkerSupervisor, after_s: float
) -> None:
    watched = watch(dead)
    await asyncio.sleep(after_s)
    await soon(watched.worker_supervisor.close())
    # The fixtures look for processes, tasks and descriptors.


async def test_paused_is_told_once_for_each_change(
    watch: MakeWorkerSupervisor, qemu: Qemu, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []
    original = WorkerProcess.set_paused

    async def set_paused(self: WorkerProcess, paused: bool) -> None:
        told.append(paused)
        await original(self, paused)

    monkeypatch.setattr(WorkerProcess, "set_paused", set_paused)
    watched = watch(opener(qemu))
    await watched.worker_supervisor.set_paused(True)
    await until(watched.is_ready)
    for paused in (True, True, False, False, True):
        await watched.worker_supervisor.set_paused(paused)
    assert told == [True, False, True]
