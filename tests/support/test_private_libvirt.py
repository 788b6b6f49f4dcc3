"""The private libvirtd runs demo guests on every QEMU that is here."""

import pytest

from tests.support.emulators import Emulator
from tests.support.guests import GuestFactory
from tests.support.libvirtd import virsh

pytestmark = pytest.mark.libvirt


def test_a_guest_runs_on_each_emulator(make_guest: GuestFactory, emulator: Emulator) -> None:
    guest = make_guest("baremetal", emulator=emulator)
    assert virsh("domstate", guest.uuid) == "running"
    assert "graphics type='dbus' p2p='yes'" in guest.xml()
    assert str(emulator.path) in guest.xml()


def test_guests_are_gone_afterwards(libvirt_uri: str) -> None:
    assert virsh("list", "--all", "--name") == ""
