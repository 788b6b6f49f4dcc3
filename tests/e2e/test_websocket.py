"""A console over the portal's own port."""

import pytest
from playwright.async_api import Browser

from examples.guests.reading import read_nonce
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
