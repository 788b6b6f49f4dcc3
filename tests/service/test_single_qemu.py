"""One QEMU without libvirt, as the portal's only domain; QEMU, bus and worker are real."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from libvirt_webrtc.agent.interface import Action, ConsoleState, DomainView
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.video import VideoConfig
from libvirt_webrtc.errors import CannotAttach, ConfigError, DisplayError, NoConsole, NoSuchDomain
from libvirt_webrtc.service import console_maker
from libvirt_webrtc.service.single_qemu import Place, SingleQemu, by_monitor, on_bus, session_bus
from tests.media.helpers import DEADLINE_S, until
from tests.support.dbus import MessageBus
from tests.support.emulators import Emulator
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu
from tests.worker.viewer_client import ViewerClient

Start = Callable[[], Qemu]


@pytest.fixture(params=["bus", "monitor"])
async def place_and_start(
    request: pytest.FixtureRequest, emulator: Emulator, tmp_path: Path
) -> AsyncIterator[tuple[Place, Start]]:
    """Where a QEMU is to be had, and one to be started there."""
    arguments = ("-device", "VGA", "-name", "demo")
    if request.param == "monitor":
        path = tmp_path / "qmp"

        def start() -> Qemu:
            path.unlink(missing_ok=True)
            monitor = f"unix:{path},server=on,wait=off"
            return Qemu(*arguments, "-qmp", monitor, emulator=str(emulator.path))

        yield by_monitor(path), start
        return
    with MessageBus(tmp_path) as bus:
        yield (
            on_bus(bus.address),
            lambda: Qemu(*arguments, emulator=str(emulator.path), display=f"dbus,addr={bus.address}"),
        )


@asynccontextmanager
async def streaming(place: Place) -> AsyncIterator[SingleQemu]:
    async with SingleQemu(Config(), place) as running:
        yield running


def view(stream: SingleQemu) -> DomainView:
    (only,) = stream.list().domains
    return only


async def until_state(stream: SingleQemu, state: ConsoleState) -> DomainView:
    await until(lambda: view(stream).console_state is state)
    return view(stream)


async def test_a_qemu_is_waited_for_shown_and_waited_for_again(
    place_and_start: tuple[Place, Start], caplog: pytest.LogCaptureFixture
) -> None:
    place, start = place_and_start
    caplog.set_level(logging.INFO, "libvirt_webrtc.service.single_qemu")
    async with streaming(place) as stream:
        away = await until_state(stream, ConsoleState.FAILED)
        assert (away.name, away.state, away.consoles) == ("QEMU", "shutoff", ())
        assert "start QEMU with -" in str(away.reason)
        with pytest.raises(NoConsole, match="start QEMU with"):
            await stream.offer(stream.uuid, 0, "v=0", ADMIN)

        pids = set()
        for _ in range(2):
            async with start():
                here = await until_state(stream, ConsoleState.READY)
                assert (here.name, here.state, here.reason) == ("demo", "running", None)
                assert [console.label for console in here.consoles] == ["VGA"]
                assert await stream.stats(stream.uuid, 0)
                pids.add(here.worker_pid)
            await until_state(stream, ConsoleState.FAILED)
        assert len(pids) == 1 and view(stream).name == "demo"
        told = [
            record.message for record in caplog.records if record.name == "libvirt_webrtc.service.single_qemu"
        ]
        assert told[0] == f"waiting for QEMU: {away.reason}"
        assert told.count("the console of demo can be opened") == 2


async def test_a_bus_that_ends_is_joined_again_when_it_comes_back(emulator: Emulator, tmp_path: Path) -> None:
    address = f"unix:path={tmp_path}/bus"
    async with streaming(on_bus(address)) as stream:
        for _ in range(2):
            assert "No such file" in str((await until_state(stream, ConsoleState.FAILED)).reason)
            with MessageBus(tmp_path) as bus:
                qemu = Qemu("-device", "VGA", emulator=str(emulator.path), display=f"dbus,addr={bus.address}")
                async with qemu:
                    await until_state(stream, ConsoleState.READY)
            bus.path.unlink(missing_ok=True)
            await until(lambda: "No such file" in str(view(stream).reason))


async def test_only_its_own_uuid_is_known_and_nothing_can_be_attached(tmp_path: Path) -> None:
    place = on_bus(f"unix:path={tmp_path}/bus")
    async with streaming(place) as stream:
        with pytest.raises(NoSuchDomain):
            await stream.offer("another", 0, "v=0", ADMIN)
        with pytest.raises(NoSuchDomain):
            await stream.close_viewer("another", "viewer")
        with pytest.raises(CannotAttach, match="without libvirt"):
            await stream.act(stream.uuid, Action.ATTACH)
        assert not await stream.close_viewer(stream.uuid, "viewer")
        assert not await stream.has_viewer(stream.uuid, "viewer")


async def test_a_viewer_is_there_until_it_leaves_or_its_worker_ends(
    place_and_start: tuple[Place, Start],
) -> None:
    place, start = place_and_start
    async with streaming(place) as stream, start(), ViewerClient() as first, ViewerClient() as second:
        await until_state(stream, ConsoleState.READY)
        names = []
        for client in (first, second):
            answer = await stream.offer(stream.uuid, 0, await client.offer(), ADMIN)
            names.append(answer.viewer)
            await client.take(answer.sdp)
        await until(lambda: first.frames > 0 and second.frames > 0)
        assert [await stream.has_viewer(stream.uuid, name) for name in names] == [True, True]
        await first.connection.close()
        await until_gone(stream, names[0])
        assert await stream.has_viewer(stream.uuid, names[1])
        pid = view(stream).worker_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until_gone(stream, names[1])


async def until_gone(stream: SingleQemu, viewer: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if not await stream.has_viewer(stream.uuid, viewer):
                return
            await asyncio.sleep(0.05)


async def test_the_page_keeps_its_address_for_as_long_as_the_place_is_the_same(tmp_path: Path) -> None:
    uuids = {SingleQemu(Config(), by_monitor(tmp_path / name)).uuid for name in ("a", "a", "b")}
    assert len(uuids) == 2


async def test_watchers_see_the_end(tmp_path: Path) -> None:
    async with streaming(on_bus(f"unix:path={tmp_path}/bus")) as stream:
        lists = stream.watch()
        assert (await anext(lists)).connected
    assert len([each async for each in lists]) <= 1


def test_an_address_that_cannot_be_used_is_told_at_once() -> None:
    with pytest.raises(DisplayError, match="names no Unix socket"):
        on_bus("tcp:host=localhost,port=1")


def test_the_session_bus_is_found_as_qemu_finds_it(tmp_path: Path) -> None:
    environ = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "XDG_RUNTIME_DIR": str(tmp_path)}
    assert session_bus(environ) == "unix:path=/x"
    environ["DBUS_SESSION_BUS_ADDRESS"] = ""
    with pytest.raises(ConfigError, match="--address .*DBUS_SESSION_BUS_ADDRESS.*--qmp"):
        session_bus(environ)
    (tmp_path / "bus").touch()
    assert session_bus(environ) == f"unix:path={tmp_path}/bus"


async def test_an_unexpected_error_at_the_start_is_told_in_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(console_maker, "find_hardware", fail)
    config = Config(video=VideoConfig(("h264",), "auto"))
    async with SingleQemu(config, by_monitor(tmp_path / "qmp")) as stream:
        failed = await until_state(stream, ConsoleState.FAILED)
        assert failed.reason == "an unexpected error: ZeroDivisionError('ours')"
