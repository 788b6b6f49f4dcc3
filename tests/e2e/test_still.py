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

    def renditions() -> list[dict[str, Any]]:
        return list(portal.get(f"/api/domains/{guest.uuid}/consoles/0/stats")["renditions"])

    async def still() -> bool:
        # A machine that is short of processor looks like a slow network for a while.
        return [(rendition["layer"], rendition["fps"]) for rendition in renditions()] == [("full", 0)]

    def frames() -> int:
        return sum(rendition["frames"] for rendition in renditions())

    async def wondered() -> bool:
        return bool(await viewer.page.evaluate(_REQUESTS) > requests)

    requests = await viewer.page.evaluate(_REQUESTS)
    await viewer.press("F8")
    await wait_for(still, "the words are refined and nothing more is sent")
    settled = frames()
    await wait_for(wondered, "Chromium asks for a keyframe")
    await viewer.page.wait_for_timeout(1000)
    assert frames() == settled

    await viewer.press("F1")
    await viewer.wait_known_picture()
    assert frames() > settled
