"""The hook in a real libvirt: no guest is lost to it, whatever is broken around it."""

import itertools
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.e2e.whep import playing
from tests.support.domain_xml import find_dbus_display
from tests.support.guests import Guest, GuestFactory
from tests.support.hook_faults import PATIENT_S, PYTHON_FAULTS, SURROUNDINGS, InstalledHook
from tests.support.libvirtd import PrivateLibvirtd, virsh
from tests.support.portal import Portal

pytestmark = pytest.mark.libvirt

PRIVATE_BUS = "<graphics type='dbus'/></devices>"


def assert_alive(guest: Guest) -> None:
    # QEMU answers by libvirt, which a daemon that was just started does only after it has taken the guest up again: a
    # guest that it ends then is still "running" before, and one that is destroyed meanwhile was never taken up.
    answer = json.loads(virsh("qemu-monitor-command", guest.uuid, '{"execute": "query-status"}'))
    assert answer["return"]["status"] == "running"
    assert virsh("domstate", guest.uuid) == "running"
    assert Path(f"/proc/{guest.pid}").exists()


def survive_starts(
    hook: InstalledHook, make_guest: GuestFactory, libvirtd: PrivateLibvirtd, starts: int, restarts: int
) -> None:
    """Start one guest again and again while another runs all the time, the daemon restarting in between."""
    bystander, guest = make_guest(), make_guest(start=False)
    pid = bystander.pid
    faults = itertools.cycle(SURROUNDINGS)
    every = starts // restarts
    for number in range(1, starts + 1):
        with hook.damaged(next(faults)):
            guest.start()
            assert_alive(guest)
            if number % every == 0:
                running = guest.pid
                libvirtd.restart()
                assert_alive(guest)
                assert guest.pid == running
            guest.destroy()
        assert_alive(bystander)
        assert bystander.pid == pid


def survive_restores(
    hook: InstalledHook, make_guest: GuestFactory, folder: Path, faults: Iterable[str]
) -> None:
    """Save and restore one guest again and again, with each fault in turn; no fault adds a display."""
    guest = make_guest(display=False)
    image = str(folder / "image")
    for fault in faults:
        virsh("save", guest.uuid, image)
        with hook.damaged(fault):
            virsh("restore", image)
        assert_alive(guest)
        if fault in PYTHON_FAULTS:
            assert find_dbus_display(guest.xml()) is None, fault


def test_starts_and_daemon_restarts_survive_damaged_surroundings(
    hook: InstalledHook, make_guest: GuestFactory, libvirtd: PrivateLibvirtd
) -> None:
    survive_starts(hook, make_guest, libvirtd, starts=10, restarts=2)


@pytest.mark.parametrize("fault", ["missing", "hanging", "garbage", "half", "leaving-a-child-far-away"])
def test_restores_survive_a_broken_python(
    hook: InstalledHook, make_guest: GuestFactory, tmp_path: Path, fault: str
) -> None:
    survive_restores(hook, make_guest, tmp_path, [fault] * 5)


@pytest.mark.parametrize("descriptors", [6, 11, 12])
def test_starts_and_daemon_restarts_survive_few_descriptors(
    hook: InstalledHook, make_guest: GuestFactory, libvirtd: PrivateLibvirtd, descriptors: int
) -> None:
    bystander, guest = make_guest(), make_guest(start=False)
    first, rest = hook.script.read_text().split("\n", 1)
    hook.script.write_text(first.replace("-S ", f"-S prlimit --nofile={descriptors} ") + "\n" + rest)
    guest.start()
    libvirtd.restart()
    for each in (bystander, guest):
        assert_alive(each)
    virsh("managedsave", guest.uuid)
    guest.start()
    assert_alive(guest)


@pytest.mark.long
def test_200_starts_and_20_restarts_survive_damaged_surroundings(
    hook: InstalledHook, make_guest: GuestFactory, libvirtd: PrivateLibvirtd
) -> None:
    survive_starts(hook, make_guest, libvirtd, starts=200, restarts=20)


@pytest.mark.long
def test_100_restores_survive_everything(
    hook: InstalledHook, make_guest: GuestFactory, tmp_path: Path
) -> None:
    # Each restore with the display given comes without it in the next round: the guest is a new one then.
    faults = itertools.cycle(PYTHON_FAULTS)
    survive_restores(hook, make_guest, tmp_path, itertools.islice(faults, 100))


@pytest.mark.parametrize("fault", SURROUNDINGS)
def test_a_restore_survives_damaged_surroundings(
    hook: InstalledHook, make_guest: GuestFactory, tmp_path: Path, fault: str
) -> None:
    survive_restores(hook, make_guest, tmp_path, [fault])


async def test_a_guest_started_without_a_console_has_one_after_managed_save_and_restore(
    hook: InstalledHook, make_guest: GuestFactory, start_portal: Callable[..., Portal]
) -> None:
    hook.set_python_limit(PATIENT_S)
    guest = make_guest(display=False)
    virsh("managedsave", guest.uuid)
    guest.start()
    assert_alive(guest)
    display = find_dbus_display(guest.xml())
    assert display is not None and display.ours and display.p2p
    assert find_dbus_display(guest.xml("--inactive")) is None, "the definition is not the hook's"
    portal = start_portal()
    portal.wait_console(guest.uuid)
    async with playing(portal, guest) as player:
        await player.wait_known_picture()
    # Once it has one, it is left alone.
    virsh("managedsave", guest.uuid)
    guest.start()
    assert guest.xml().count("<graphics type='dbus'") == 1


def test_policy_none_adds_nothing(hook: InstalledHook, make_guest: GuestFactory) -> None:
    hook.set_python_limit(PATIENT_S)
    hook.set_policy("none")
    guest = make_guest(display=False)
    virsh("managedsave", guest.uuid)
    guest.start()
    assert find_dbus_display(guest.xml()) is None


def test_a_private_bus_is_made_anew(hook: InstalledHook, make_guest: GuestFactory, tmp_path: Path) -> None:
    hook.set_python_limit(PATIENT_S)
    guest = make_guest(display=False, edit=lambda xml: xml.replace("</devices>", PRIVATE_BUS))
    before = find_dbus_display(guest.xml())
    assert before is not None and before.address is not None
    image = str(tmp_path / "image")
    virsh("save", guest.uuid, image)
    with hook.damaged("missing"), pytest.raises(AssertionError, match="failed to connect to DBus"):
        virsh("restore", image)  # what libvirt does by itself
    virsh("restore", image)
    assert_alive(guest)
    after = find_dbus_display(guest.xml())
    assert after is not None and after.address not in (None, before.address)


@pytest.mark.parametrize("devices", ["", "<video><model type='none'/></video>"], ids=["nothing", "no-video"])
def test_a_headless_guest_comes_back(
    hook: InstalledHook, make_guest: GuestFactory, tmp_path: Path, devices: str
) -> None:
    hook.set_python_limit(PATIENT_S)

    def headless(xml: str) -> str:
        begin, end = xml.index("<graphics"), xml.index("</video>") + len("</video>")
        return xml[:begin] + devices + xml[end:]

    guest = make_guest(display=False, edit=headless)
    image = str(tmp_path / "image")
    virsh("save", guest.uuid, image)
    virsh("restore", image)
    assert_alive(guest)


def test_uninstalled_while_libvirt_knows_it_nothing_fails(
    hook: InstalledHook, make_guest: GuestFactory, libvirtd: PrivateLibvirtd
) -> None:
    guest = make_guest()
    kept = hook.script.read_bytes()
    hook.script.unlink()
    virsh("managedsave", guest.uuid)
    guest.start()
    assert_alive(guest)
    hook.script.write_bytes(kept)
