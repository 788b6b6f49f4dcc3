"""The inventory against a real libvirtd that starts, stops, freezes and changes under it."""

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from libvirt_webrtc.domains import inventory as inventory_module
from libvirt_webrtc.domains.connection import Connection
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.domains.snapshot import DomainState, Snapshot
from libvirt_webrtc.errors import HypervisorError, HypervisorUnavailable, NoSuchDomain
from tests.domains.following import until, until_domain, until_gone
from tests.support.domain_xml import add_dbus_display
from tests.support.domains import DBUS, VIDEO, VNC, MakeDomain
from tests.support.guests import define
from tests.support.libvirtd import PrivateLibvirtd, virsh


def qemu_pid(name: str) -> int:
    return int(Path(f"/run/libvirt/qemu/{name}.pid").read_text())


@pytest.mark.libvirt
async def test_another_policy_changes_the_plans(libvirt_uri: str, make_domain: MakeDomain) -> None:
    uuid = make_domain("a")
    async with Inventory(libvirt_uri) as inventory:
        plan = (await until_domain(inventory, uuid)).plan
        assert plan is not None and not plan.changed
        inventory.set_policy(Policy.of("all", "auto"))
        await until_domain(inventory, uuid, lambda domain: domain.plan is not None and domain.plan.changed)


@pytest.mark.libvirt
async def test_entering_gives_the_domains_there_are(libvirt_uri: str, make_domain: MakeDomain) -> None:
    b, a = make_domain("b", VNC + DBUS + VIDEO), make_domain("a")
    async with Inventory(libvirt_uri) as inventory:
        snapshot = inventory.snapshot
    assert (snapshot.connected, snapshot.problem) == (True, None)
    assert [(d.uuid, d.name, d.id, d.state, d.display, d.persistent) for d in snapshot.domains] == [
        (a, "a", None, DomainState.SHUTOFF, None, True),
        (b, "b", None, DomainState.SHUTOFF, None, True),
    ]
    assert snapshot.domains[0].next_display is None
    display = snapshot.domains[1].next_display
    assert display is not None and (display.index, display.p2p, display.ours) == (1, True, False)


@pytest.mark.libvirt
async def test_define_start_suspend_destroy_and_undefine_are_seen(
    libvirt_uri: str, make_domain: MakeDomain
) -> None:
    async with Inventory(libvirt_uri) as inventory:
        uuid = make_domain("d", VNC + DBUS + VIDEO)
        assert (await until_domain(inventory, uuid)).state is DomainState.SHUTOFF
        ids = set()
        for _ in range(2):
            virsh("start", uuid)
            domain = await until_domain(inventory, uuid, lambda d: d.state is DomainState.RUNNING)
            assert domain.display == domain.next_display
            assert domain.id is not None
            ids.add(domain.id)
            virsh("suspend", uuid)
            await until_domain(inventory, uuid, lambda d: d.state is DomainState.PAUSED)
            virsh("resume", uuid)
            await until_domain(inventory, uuid, lambda d: d.state is DomainState.RUNNING)
            virsh("destroy", uuid)
            domain = await until_domain(inventory, uuid, lambda d: d.state is DomainState.SHUTOFF)
            assert (domain.id, domain.display) == (None, None)
        assert len(ids) == 2
        virsh("undefine", uuid)
        await until_gone(inventory, uuid)


@pytest.mark.libvirt
async def test_rename_is_seen(libvirt_uri: str, make_domain: MakeDomain) -> None:
    uuid = make_domain("before")
    async with Inventory(libvirt_uri) as inventory:
        virsh("domrename", uuid, "after")
        await until_domain(inventory, uuid, lambda d: d.name == "after")


@pytest.mark.libvirt
async def test_transient_domain_comes_and_goes(libvirt_uri: str, make_domain: MakeDomain) -> None:
    async with Inventory(libvirt_uri) as inventory:
        uuid = make_domain("t", DBUS + VIDEO, transient=True)
        domain = await until_domain(inventory, uuid, lambda d: d.state is DomainState.RUNNING)
        assert not domain.persistent and domain.next_display is None
        assert domain.display is not None and domain.display.index == 0
        virsh("destroy", uuid)
        await until_gone(inventory, uuid)


@pytest.mark.libvirt
async def test_redefinition_of_a_running_domain_shows_as_its_next_display(
    libvirt_uri: str, make_domain: MakeDomain
) -> None:
    uuid = make_domain("d")
    virsh("start", uuid)
    async with Inventory(libvirt_uri) as inventory:
        define(add_dbus_display(virsh("dumpxml", "--inactive", uuid)))
        domain = await until_domain(inventory, uuid, lambda d: d.next_display)
        assert domain.next_display is not None and domain.next_display.ours
        assert domain.display is None


@pytest.mark.libvirt
async def test_killed_qemu_is_seen(libvirt_uri: str, make_domain: MakeDomain) -> None:
    uuid = make_domain("d")
    virsh("start", uuid)
    async with Inventory(libvirt_uri) as inventory:
        os.kill(qemu_pid("d"), signal.SIGKILL)
        await until_domain(inventory, uuid, lambda d: d.state is DomainState.SHUTOFF)


@pytest.mark.libvirt
async def test_state_change_without_event_is_found_by_polling(
    libvirt_uri: str, make_domain: MakeDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = make_domain("d")
    monkeypatch.setattr(inventory_module, "POLL_S", 0.1)
    monkeypatch.setattr(Connection, "add_change", lambda *_: None)
    async with Inventory(libvirt_uri) as inventory:
        virsh("start", uuid)
        await until_domain(inventory, uuid, lambda d: d.state is DomainState.RUNNING)
        virsh("destroy", uuid)
        virsh("undefine", uuid)
        await until_gone(inventory, uuid)


@pytest.mark.libvirt
async def test_opened_graphics_fd_speaks_dbus_and_is_the_callers(
    libvirt_uri: str, make_domain: MakeDomain
) -> None:
    uuid = make_domain("d", VNC + DBUS + VIDEO)
    virsh("start", uuid)
    async with Inventory(libvirt_uri) as inventory:
        domain = await until_domain(inventory, uuid)
        assert domain.display is not None
        fd = await inventory.open_graphics_fd(uuid, domain.display.index)
    with socket.socket(fileno=fd) as display:
        display.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(
            display, b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n"
        )
        assert (await loop.sock_recv(display, 100)).startswith(b"OK ")


@pytest.mark.libvirt
async def test_graphics_fd_that_cannot_be_opened_raises_with_the_reason(
    libvirt_uri: str, make_domain: MakeDomain
) -> None:
    running, stopped = make_domain("running", VNC + DBUS + VIDEO), make_domain("stopped", DBUS + VIDEO)
    virsh("start", running)
    async with Inventory(libvirt_uri) as inventory:
        with pytest.raises(NoSuchDomain):
            await inventory.open_graphics_fd("9a4e4ed5-3a3c-4e4b-8f9c-2f2d7b8b4d1e", 0)
        with pytest.raises(HypervisorError, match="not running"):
            await inventory.open_graphics_fd(stopped, 0)
        with pytest.raises(HypervisorError, match="its D-Bus display is gone"):
            await inventory.open_graphics_fd(running, 2)
    with pytest.raises(HypervisorUnavailable):
        await inventory.open_graphics_fd(running, 1)


@pytest.mark.libvirt
async def test_display_of_a_frozen_qemu_is_given_up(
    libvirt_uri: str, make_domain: MakeDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory_module, "OPEN_GRAPHICS_S", 0.3)
    uuid = make_domain("d", DBUS + VIDEO)
    virsh("start", uuid)
    qemu = qemu_pid("d")
    async with Inventory(libvirt_uri) as inventory:
        os.kill(qemu, signal.SIGSTOP)
        try:
            with pytest.raises(HypervisorError, match="no answer"):
                await inventory.open_graphics_fd(uuid, 0)
        finally:
            os.kill(qemu, signal.SIGCONT)
        # The descriptor that arrives now is closed: nothing_left_behind looks.
        await until_domain(inventory, uuid)


@pytest.mark.libvirt
async def test_restarted_libvirtd_is_found_again_and_compared(
    libvirtd: PrivateLibvirtd, make_domain: MakeDomain
) -> None:
    survivor, victim = make_domain("survivor", DBUS + VIDEO), make_domain("victim", DBUS + VIDEO)
    virsh("start", survivor)
    virsh("start", victim)
    async with Inventory(libvirtd.uri) as inventory:
        before = inventory.snapshot
        for _ in range(2):
            libvirtd.stop()
            try:
                away = await until(inventory, lambda s: not s.connected)
                assert away.problem
                assert away.domains == before.domains
                with pytest.raises(HypervisorUnavailable):
                    await inventory.open_graphics_fd(survivor, 0)
                if before.domains[1].id is not None:
                    os.kill(qemu_pid("victim"), signal.SIGKILL)
            finally:
                libvirtd.start()
            back = await until(inventory, lambda s: s.connected)
            assert back.problem is None
            assert [(d.uuid, d.state) for d in back.domains] == [
                (survivor, DomainState.RUNNING),
                (victim, DomainState.SHUTOFF),
            ]
            assert back.domains[0] == before.domains[0]
            before = back
        virsh("destroy", survivor)  # events come again
        await until_domain(inventory, survivor, lambda d: d.state is DomainState.SHUTOFF)


@pytest.mark.libvirt
async def test_frozen_libvirtd_is_noticed_while_the_loop_goes_on(
    libvirtd: PrivateLibvirtd, make_domain: MakeDomain
) -> None:
    uuid = make_domain("d")
    async with Inventory(libvirtd.uri) as inventory:
        slowest, last = 0.0, time.monotonic()

        async def tick() -> None:
            nonlocal slowest, last
            while True:
                await asyncio.sleep(0.01)
                slowest, last = max(slowest, time.monotonic() - last), time.monotonic()

        ticking = asyncio.create_task(tick())
        os.kill(libvirtd.pid, signal.SIGSTOP)
        try:
            away = await until(inventory, lambda s: not s.connected)
            assert away.problem and away.domains
            await until(inventory, lambda s: "does not answer" in (s.problem or ""))
        finally:
            os.kill(libvirtd.pid, signal.SIGCONT)
        await until(inventory, lambda s: s.connected)
        ticking.cancel()
        await asyncio.wait([ticking])
        virsh("undefine", uuid)
        await until_gone(inventory, uuid)
        assert slowest < inventory_module.ANSWER_S  # a libvirt call on the loop would have held it up


@pytest.mark.libvirt
async def test_close_does_not_wait_for_a_frozen_libvirtd(libvirtd: PrivateLibvirtd) -> None:
    inventory = Inventory(libvirtd.uri)
    async with inventory:
        os.kill(libvirtd.pid, signal.SIGSTOP)
        try:
            await inventory.close()
            assert [snapshot async for snapshot in inventory.changes()] == []
        finally:
            os.kill(libvirtd.pid, signal.SIGCONT)


async def test_missing_libvirtd_is_a_problem_in_words(tmp_path: Path) -> None:
    uri = f"qemu+unix:///system?socket={tmp_path}/none"
    async with Inventory(uri) as inventory:
        snapshot = inventory.snapshot
        assert not snapshot.connected and not snapshot.domains
        assert snapshot.problem is not None
        assert snapshot.problem.startswith(f"cannot connect to libvirt at {uri}: ")
        with pytest.raises(HypervisorUnavailable, match="cannot connect"):
            await inventory.open_graphics_fd("9a4e4ed5-3a3c-4e4b-8f9c-2f2d7b8b4d1e", 0)


async def test_daemon_that_never_answers_is_a_problem_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory_module, "ANSWER_S", 0.1)
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        uri = f"qemu+unix:///system?socket={path}"
        async with Inventory(uri) as inventory:
            assert inventory.snapshot.problem == f"libvirt at {uri} does not answer"


async def test_every_follower_gets_the_present_snapshot_and_the_end(tmp_path: Path) -> None:
    async with Inventory(f"qemu+unix:///system?socket={tmp_path}/none") as inventory:

        async def collect() -> list[Snapshot]:
            return [snapshot async for snapshot in inventory.changes()]

        followers = [asyncio.create_task(collect()) for _ in range(2)]
        await asyncio.sleep(0)
        await inventory.close()
        await inventory.close()
        first, second = await asyncio.gather(*followers)
    assert first == second and len(first) == 1
