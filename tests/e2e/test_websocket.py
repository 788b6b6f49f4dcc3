"""A console over the portal's own port."""

import pytest
from playwright.async_api import Browser

from examples.guests.reading import read_nonce
from tests.e2e.two_screens import at, two_consoles
from tests.e2e.viewer import Viewer
from tests.support.browsers import in_both_browsers
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

KEY_A = 0x1E


@in_both_browsers
async def test_a_guest_is_seen_and_typed_at_over_a_websocket(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest("baremetal")
    viewer = await Viewer.open_over("websocket", browser, portal, guest)
    before = await viewer.wait_known_picture()
    assert await viewer.handle("transport") == "websocket"
    await viewer.type_and_see("KeyA", KEY_A)
    await viewer.press("F6")
    await viewer.wait_picture(
        lambda rgb: rgb.shape != before.shape and read_nonce(rgb) == int(guest.nonce, 16), "another size"
    )
    await viewer.wait_known_picture()
    await viewer.type_and_see("KeyA", KEY_A)
    assert await viewer.handle("connections") == 1
    stats = await viewer.page.evaluate("window.libvirtWebRTC.stats()")
    assert stats["framesDecoded"] > 0 and stats["codec"]


async def test_two_screens_come_over_one_websocket_and_each_takes_its_own(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest("linux", options="run=still mode=800x600", edit=two_consoles)
    first = await Viewer.open_over("websocket", browser, portal, guest)
    await first.wait_known_picture()
    page, second = first.page, first.on(1)
    await page.get_by_role("button", name="Screen 2").click()
    await page.get_by_role("button", name="Switch it on").click()
    await second.wait_known_picture()
    await page.get_by_role("button", name="Screens side by side").click()
    await first.wait_known_picture()
    for own in (second, first):
        await own.point_at(300, 400)
        await own.wait_picture(at(300, 400), "the pointer on its own screen")
    await page.mouse.down()
    await page.mouse.up()
    await first.type_and_see("KeyA", KEY_A)
    assert [await first.handle("transport"), await first.handle("connections")] == ["websocket", 1]
