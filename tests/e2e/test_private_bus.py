"""Domains whose D-Bus display somebody put on a bus: libvirt starts one for each, as QEMU's user."""

import pytest
from playwright.async_api import Browser

from tests.e2e.viewer import Viewer
from tests.support.domain_xml import find_dbus_display
from tests.support.emulators import Emulator
from tests.support.guests import GuestFactory, on_private_bus
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

KEY_A = 0x1E


async def test_domain_on_a_private_bus_is_seen_and_typed_at(
    make_guest: GuestFactory, portal: Portal, browser: Browser, emulator: Emulator
) -> None:
    guest = make_guest(display=False, emulator=emulator, edit=on_private_bus)
    display = find_dbus_display(guest.xml())
    assert display is not None and not display.p2p and display.address is not None
    viewer = await Viewer.watch(browser, portal, guest)
    await viewer.type_and_see("KeyA", KEY_A)

    guest.destroy()
    await viewer.wait_state("stopped")
    guest.start()
    await viewer.wait_state("connected")
    await viewer.wait_known_picture()
