"""WorkerSupervisors follow the domains. The inventory is set by hand; workers and QEMU are real."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from libvirt_webrtc.agent.interface import ConsoleState, DomainView
from libvirt_webrtc.agent.latest import LatestValue
from libvirt_webrtc.config.load import STATE_VARIABLE, Config
from libvirt_webrtc.config.video import EncoderPolicy, VideoConfig
from libvirt_webrtc.display.registrations import MAX_REGISTRATIONS
from libvirt_webrtc.domains.definition.display import DbusDisplay
from libvirt_webrtc.domains.snapshot import Domain, DomainState, Snapshot
from libvirt_webrtc.errors import HypervisorUnavailable, NoConsole, NoSuchDomain
from libvirt_webrtc.media.formats import VideoFormat, formats_of
from libvirt_webrtc.service import console_maker
from libvirt_webrtc.service import worker_supervisor as worker_supervisor_module
from libvirt_webrtc.service.registration_counts import RegistrationCount, RegistrationCounts
from libvirt_webrtc.service.supervisor import Supervisor
from libvirt_webrtc.service.worker_supervisor import DisplaySource, WorkerSupervisor
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu

DISPLAY = DbusDisplay(index=2, p2p=True, address=None, gl=False, ours=True)


def domain(number: int | None, state: DomainState = DomainState.RUNNING, uuid: str = "u") -> Domain:
    display = DISPLAY if number is not None else None
    return Domain(uuid, "demo", number, state, display, DISPLAY, True)


class Domains:
    """In an inventory's place: says what the test says."""

    uri = "test:///default"

    def __init__(self, qemu: Qemu) -> None:
        self._latest = LatestValue(Snapshot(False, "connecting", ()))
        self.opened: list[tuple[str, int]] = []
        self.away = False
        self._qemu = qemu

    def show(self, *domains: Domain, connected: bool = True) -> None:
        self._latest.set(Snapshot(connected, None if connected else "libvirtd is away", domains))

    @property
    def snapshot(self) -> Snapshot:
        return self._latest.value

    def changes(self) -> AsyncIterator[Snapshot]:
        return self._latest.values()

    async def open_graphics_fd(self, uuid: str, index: int) -> int:
        self.opened.append((uuid, index))
        if self.away:
            raise HypervisorUnavailable("libvirtd is away")
        return (await self._qemu.open_display()).detach()


@pytest.fixture
async def domains() -> AsyncIterator[Domains]:
    async with Qemu("-device", "VGA") as qemu:
        yield Domains(qemu)


@pytest.fixture
async def supervisor(domains: Domains) -> AsyncIterator[Supervisor]:
    async with Supervisor(domains, Config()) as running:
        yield running


def view(supervisor: Supervisor, uuid: str = "u") -> DomainView:
    return next(each for each in supervisor.list().domains if each.uuid == uuid)


async def until_state(supervisor: Supervisor, state: ConsoleState) -> DomainView:
    await until(lambda: view(supervisor).console_state is state)
    return view(supervisor)


async def test_a_running_domain_gets_a_worker_and_a_stopped_one_loses_it(
    supervisor: Supervisor, domains: Domains
) -> None:
    domains.show(domain(None))
    await until(lambda: bool(supervisor.list().domains))
    assert view(supervisor).console_state is ConsoleState.NONE
    with pytest.raises(NoConsole, match="not running"):
        await supervisor.offer("u", 0, "v=0", ADMIN)

    domains.show(domain(1))
    ready = await until_state(supervisor, ConsoleState.READY)
    assert ready.worker_pid is not None and [console.label for console in ready.consoles] == ["VGA"]
    assert domains.opened == [("u", 2)]

    domains.show(domain(None))
    gone = await until_state(supervisor, ConsoleState.NONE)
    assert gone.worker_pid is None and gone.reason == "the domain is not running"


async def test_unknown_domains_and_peers(supervisor: Supervisor, domains: Domains) -> None:
    with pytest.raises(NoSuchDomain):
        await supervisor.offer("nobody", 0, "v=0", ADMIN)
    with pytest.raises(NoSuchDomain):
        await supervisor.close_viewer("nobody", "viewer")
    domains.show(domain(1))
    await until_state(supervisor, ConsoleState.READY)
    assert not await supervisor.close_viewer("u", "viewer")
    for uuid in ("u", "nobody"):
        assert not await supervisor.has_viewer(uuid, "viewer")


async def test_a_domain_that_restarts_gets_a_new_worker_while_the_old_one_ends(
    supervisor: Supervisor, domains: Domains
) -> None:
    domains.show(domain(1))
    pids = {(await until_state(supervisor, ConsoleState.READY)).worker_pid}
    for number in range(2, 5):
        domains.show(domain(number))
        await until(lambda: view(supervisor).worker_pid not in {*pids, None})
        pids.add((await until_state(supervisor, ConsoleState.READY)).worker_pid)
    assert len(pids) == 4


async def test_a_domain_that_is_gone_at_once_leaves_nothing(supervisor: Supervisor, domains: Domains) -> None:
    for number in range(5):
        domains.show(domain(number))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        domains.show()
        await asyncio.sleep(0)
    await until(lambda: supervisor.list().domains == ())


async def test_libvirt_away_keeps_workers(supervisor: Supervisor, domains: Domains) -> None:
    domains.show(domain(1))
    pid = (await until_state(supervisor, ConsoleState.READY)).worker_pid
    domains.away = True
    domains.show(domain(1), connected=False)
    await until(lambda: not supervisor.list().connected)
    assert supervisor.list().problem == "libvirtd is away"
    assert (view(supervisor).console_state, view(supervisor).worker_pid) == (ConsoleState.READY, pid)


async def test_consoles_that_wait_for_libvirt_do_not_wait_longer_than_for_libvirt(
    supervisor: Supervisor, domains: Domains, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_supervisor_module, "RETRY_DELAYS_S", (0.01, 3600.0))
    domains.away = True
    domains.show(domain(1))
    failed = await until_state(supervisor, ConsoleState.FAILED)
    assert "libvirtd is away" in (failed.reason or "")

    async def come_back() -> None:
        domains.show(domain(1), connected=False)
        async for listed in supervisor.watch():
            if not listed.connected:
                break
        domains.show(domain(1))

    # The delays begin anew: it may be back, and yet have no display at once.
    tries = len(domains.opened)
    await come_back()
    await until(lambda: len(domains.opened) == tries + 2)
    domains.away = False
    await come_back()
    await until_state(supervisor, ConsoleState.READY)


async def test_registrations_are_counted_for_the_run_of_a_domain(
    domains: Domains, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    counts = RegistrationCounts(tmp_path / "registrations", domains.uri)
    counts.of("u", 1).tell(MAX_REGISTRATIONS)
    async with Supervisor(domains, Config()) as supervisor:
        domains.show(connected=False)
        await until(lambda: supervisor.list().problem == "libvirtd is away")
        domains.show(domain(1))
        worn_out = await until_state(supervisor, ConsoleState.NONE)
        assert "virsh managedsave" in (worn_out.reason or "") and worn_out.worker_pid is None
        domains.show(domain(2))
        await until_state(supervisor, ConsoleState.READY)
    assert not list((tmp_path / "registrations").iterdir())


async def test_watchers_see_each_state_and_the_end(supervisor: Supervisor, domains: Domains) -> None:
    seen: list[ConsoleState] = []

    async def follow() -> None:
        async for listed in supervisor.watch():
            seen.extend(each.console_state for each in listed.domains)

    follower = asyncio.create_task(follow())
    domains.show(domain(1))
    await until_state(supervisor, ConsoleState.READY)
    domains.show(domain(1, DomainState.PAUSED))
    await until(lambda: view(supervisor).state == "paused")
    await supervisor.close()
    await supervisor.close()
    await soon(follower)
    assert seen[0] is ConsoleState.STARTING and seen[-1] is ConsoleState.READY


@pytest.mark.parametrize("turns", [0, 1, 5, 50])
async def test_closing_while_a_worker_is_being_forked_leaves_nothing(domains: Domains, turns: int) -> None:
    async with Supervisor(domains, Config()):
        domains.show(domain(1), domain(1, uuid="v"))
        for _ in range(turns):
            await asyncio.sleep(0)


async def test_an_unexpected_error_is_told_in_the_list_and_domains_are_followed_again(
    supervisor: Supervisor,
    domains: Domains,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    with monkeypatch.context() as patch:
        patch.setattr(console_maker.ConsoleMaker, "make", fail)
        domains.show(domain(1))
        await until(lambda: not supervisor.list().connected)
        assert "ZeroDivisionError" in (supervisor.list().problem or "")
        assert "ZeroDivisionError" in caplog.text
    await until_state(supervisor, ConsoleState.READY)
    assert supervisor.list().connected and supervisor.list().problem is None


@pytest.mark.parametrize(("policy", "used"), [("software", ()), ("auto", ((VideoFormat.H264, "h264_qsv"),))])
async def test_workers_are_told_of_hardware_only_where_it_is_wanted(
    domains: Domains, monkeypatch: pytest.MonkeyPatch, policy: EncoderPolicy, used: object
) -> None:
    async def found() -> tuple[tuple[VideoFormat, str], ...]:
        return ((VideoFormat.H264, "h264_qsv"),)

    told: list[WorkerSettings] = []

    def make(
        settings: WorkerSettings,
        display: DisplaySource,
        on_change: Callable[[], None],
        registrations: RegistrationCount | None,
        **_: object,
    ) -> WorkerSupervisor:
        told.append(settings)
        return WorkerSupervisor(settings, display, on_change)

    monkeypatch.setattr(console_maker, "WorkerSupervisor", make)
    monkeypatch.setattr(console_maker, "find_hardware", found)
    config = Config(video=VideoConfig(("vp9", "h264"), policy))
    async with Supervisor(domains, config):
        domains.show(domain(1))
        await until(lambda: bool(told))
    assert [(each.hardware, each.formats) for each in told] == [(used, formats_of(("vp9", "h264")))]


async def test_a_running_domain_with_another_display_gets_another_worker(
    supervisor: Supervisor, domains: Domains
) -> None:
    """A snapshot may have its display at another place, and older libvirts keep the id when they go back to it."""
    domains.show(domain(1))
    await until_state(supervisor, ConsoleState.READY)
    moved = replace(DISPLAY, index=0)
    domains.show(replace(domain(1), display=moved, next_display=moved))
    await until(lambda: ("u", 0) in domains.opened)
    await until_state(supervisor, ConsoleState.READY)
    # What does not change its place changes nothing.
    pid = view(supervisor).worker_pid
    domains.show(replace(domain(1), display=replace(moved, ours=False)))
    await asyncio.sleep(0.1)
    assert view(supervisor).worker_pid == pid
    assert domains.opened == [("u", 2), ("u", 0)]


async def test_a_display_that_would_end_the_guest_is_never_opened(
    supervisor: Supervisor, domains: Domains
) -> None:
    domains.show(replace(domain(1), not_shown="next to SPICE with OpenGL QEMU would exit"))
    await until(lambda: bool(supervisor.list().domains))
    shown = view(supervisor)
    assert (shown.console_state, shown.reason) == (
        ConsoleState.NONE,
        "next to SPICE with OpenGL QEMU would exit",
    )
    await asyncio.sleep(0.1)
    assert domains.opened == []
