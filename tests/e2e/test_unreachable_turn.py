"""A TURN server at an address where nobody is, as after a mistake in the configuration."""

from collections.abc import Callable

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.viewer import DEADLINE_S, Viewer
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

NOBODY = "192.0.2.77"
"""In the network of the tests' own card, and no machine's."""


def environment(policy: str) -> dict[str, str]:
    return {
        "QEMU_WEBRTC_TURN_HOST": NOBODY,
        "QEMU_WEBRTC_TURN_CREDENTIAL": "secret",
        "QEMU_WEBRTC_ICE_TRANSPORT_POLICY": policy,
    }


async def test_where_only_the_relay_is_allowed_the_page_says_what_to_check(
    make_guest: GuestFactory, start_portal: Callable[..., Portal], browser: Browser
) -> None:
    guest = make_guest()
    portal = start_portal(environment("relay"))
    portal.wait_console(guest.uuid)
    page = await Viewer.sign_in(browser, portal)
    await page.goto(f"{portal.url}/console/{guest.uuid}")
    await expect(page.locator("#notice-text")).to_contain_text(
        "check the TURN server", timeout=1000 * DEADLINE_S
    )


async def test_where_other_ways_are_allowed_the_picture_comes_without_it(
    make_guest: GuestFactory, start_portal: Callable[..., Portal], browser: Browser
) -> None:
    await Viewer.watch(browser, start_portal(environment("all")), make_guest())
