"""A picture that does not change, in a real browser: nothing is encoded, and the next change arrives."""

from typing import Any

import pytest
from playwright.async_api import Browser

from tests.e2e.viewer import Viewer, wait_for
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

_REQUESTS = """async () => {
    for (const each of (await libvirtWebRTC.peerConnection.getStats()).values())
        if (each.type === "inbound-rtp") return each.pliCount;
}"""
"""How many keyframes the browser has asked for."""


async def test_still_picture_is_not_encoded_even_when_the_browser_wonders(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    """Chromium asks for a keyframe three seconds after the last frame, which a still picture must not answer."""
    guest = make_guest()
    viewer = await Viewer.watch(browser, portal, guest)

    def lane() -> dict[str, Any]:
        (lane,) = portal.get(f"/api/domains/{guest.uuid}/consoles/0/stats")["lanes"]
        return dict(lane)

    async def still() -> bool:
        return bool(lane()["fps"] == 0)

    async def wondered() -> bool:
        return bool(await viewer.page.evaluate(_REQUESTS) > requests)

    requests = await viewer.page.evaluate(_REQUESTS)
    await viewer.press("F8")
    await wait_for(still, "the words are refined and nothing more is sent")
    settled = lane()["frames"]
    await wait_for(wondered, "Chromium asks for a keyframe")
    await viewer.page.wait_for_timeout(1000)
    assert lane()["frames"] == settled

    await viewer.press("F1")
    await viewer.wait_known_picture()
    assert lane()["frames"] > settled
