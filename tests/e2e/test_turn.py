"""Viewers behind a real TURN server, and with one at an address where nobody is, as after a mistake."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.viewer import DEADLINE_S, Viewer
from tests.support.guests import GuestFactory
from tests.support.portal import Portal
from tests.support.turn import turn_server

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

NOBODY = "192.0.2.77"
"""In the network of the tests' own card, and no machine's."""
HERE = "192.0.2.1"
"""The address of that card: see tests/support/private_world.sh."""


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


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_where_only_the_relay_is_allowed_the_picture_comes_by_the_second_url(
    transport: str,
    make_guest: GuestFactory,
    start_portal: Callable[..., Portal],
    browser: Browser,
    tmp_path: Path,
) -> None:
    with turn_server(tmp_path, "viewer", "secret", host=HERE, relay=HERE) as port:
        urls = [f"turn:{NOBODY}?transport={transport}", f"turn:{HERE}:{port}?transport={transport}"]
        servers = [{"urls": urls, "username": "viewer", "credential": "secret"}]
        portal = start_portal(
            {
                "QEMU_WEBRTC_ICE_SERVERS": json.dumps(servers),
                "QEMU_WEBRTC_ICE_TRANSPORT_POLICY": "relay",
            }
        )
        await Viewer.watch(browser, portal, make_guest())
        assert (
            f"workers ask these servers, the next where one gives nothing: turn:{NOBODY}"
            in portal.log.read_text()
        )
