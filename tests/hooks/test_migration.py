"""Guests that migrate from another libvirtd to one with the hook: they arrive alive, and with the display."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.e2e.whep import playing
from tests.support.domain_xml import find_dbus_display
from tests.support.guests import GuestFactory
from tests.support.hook_faults import PATIENT_S, PYTHON_FAULTS, SURROUNDINGS, InstalledHook
from tests.support.libvirtd import virsh
from tests.support.portal import Portal
from tests.support.screen import Screen
from tests.support.second_libvirtd import SecondLibvirtd

pytestmark = pytest.mark.libvirt


@pytest.fixture
def second(libvirt_uri: str, tmp_path: Path) -> Iterator[SecondLibvirtd]:
    """Another host, without the hook."""
    with SecondLibvirtd(tmp_path) as daemon:
        yield daemon


async def test_guest_without_a_console_gets_it_when_it_arrives(
    hook: InstalledHook, make_guest: GuestFactory, second: SecondLibvirtd, portal: Portal, tmp_path: Path
) -> None:
    hook.set_python_limit(PATIENT_S)
    guest = make_guest("linux", display=False)
    screen = Screen(guest, tmp_path)
    count = screen.press_until_seen("KEY_A", "KEY_B")
    second.send(guest)
    assert find_dbus_display(virsh(*second.connect, "dumpxml", guest.uuid)) is None
    assert Screen(guest, tmp_path, connect=second.connect).press_until_seen("KEY_C") == count + 2
    second.bring_back(guest)
    assert find_dbus_display(guest.xml()) is not None
    assert screen.key_count() == count + 2
    portal.wait_console(guest.uuid)
    async with playing(portal, guest) as player:
        await player.wait_known_picture()


def survive_migrations(
    hook: InstalledHook, make_guest: GuestFactory, second: SecondLibvirtd, folder: Path, faults: Iterable[str]
) -> None:
    """Migrate one guest to and fro, its way here under each fault in turn; its memory stays the same."""
    guest = make_guest("linux", display=False)
    screen = Screen(guest, folder)
    count = screen.press_until_seen("KEY_A", "KEY_B")
    for fault in faults:
        second.send(guest)
        with hook.damaged(fault):
            second.bring_back(guest)
        assert virsh("domstate", guest.uuid) == "running", fault
        assert screen.key_count() == count, fault
        if fault in PYTHON_FAULTS:
            assert find_dbus_display(guest.xml()) is None, fault
    screen.press_until_seen("KEY_C")


def test_guest_arrives_though_the_hook_is_broken(
    hook: InstalledHook, make_guest: GuestFactory, second: SecondLibvirtd, tmp_path: Path
) -> None:
    survive_migrations(hook, make_guest, second, tmp_path, ("half", "missing"))


@pytest.mark.long
def test_20_migrations_under_all_faults(
    hook: InstalledHook, make_guest: GuestFactory, second: SecondLibvirtd, tmp_path: Path
) -> None:
    faults = itertools.islice(itertools.cycle((*PYTHON_FAULTS, *SURROUNDINGS)), 20)
    survive_migrations(hook, make_guest, second, tmp_path, faults)
