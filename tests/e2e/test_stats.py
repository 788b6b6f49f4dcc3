"""The stats overlay and the same as data, of a guest that moves."""

import urllib.error

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.viewer import Viewer, wait_for
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

CHORD = "Control+Alt+Shift+KeyS"


async def test_the_overlay_opens_tells_the_truth_and_closes(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest(options="mode=1024x768 run=demo")
    viewer = await Viewer.watch(browser, portal, guest)
    panel = viewer.page.locator("#stats")
    await expect(panel).to_be_hidden()
    assert await viewer.handle("figures") is None

    await viewer.page.locator("#stats-toggle").click()
    await expect(panel).to_be_visible()

    async def moving() -> bool:
        figures = await viewer.handle("figures")
        return bool(figures and figures["fps"] and figures["glassToGlassMs"] and figures["layer"])

    await wait_for(moving, "the overlay knows all about a moving picture")
    figures = await viewer.handle("figures")
    assert (figures["width"], figures["height"]) == viewer.encoded == (1024, 768)
    answered = await viewer.page.evaluate("window.libvirtWebRTC.peerConnection.remoteDescription.sdp")
    assert figures["codec"].split()[0].replace(".", "") in answered
    parts = figures["serverMs"] + figures["networkMs"] + figures["browserMs"]
    assert figures["glassToGlassMs"] == pytest.approx(parts)
    await expect(panel.locator("[data-figure=picture]")).to_have_text("1024 × 768")
    await expect(panel.locator("[data-figure=codec]")).to_have_text(figures["codec"])

    # The keyboard is the guest's again, and the chord is the page's all the same.
    await viewer.type_and_see("KeyA", 0x1E)
    await viewer.press(CHORD)
    await expect(panel).to_be_hidden()
    assert await viewer.handle("figures") is None
    await viewer.press(CHORD)
    await expect(panel).to_be_visible()
    assert await viewer.handle("connections") == 1


async def test_the_api_tells_what_the_pages_viewer_gets(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest()
    portal.wait_console(guest.uuid)
    path = f"/api/domains/{guest.uuid}/consoles/0/stats"
    assert portal.get(path) == {"renditions": [], "viewers": []}
    viewer = await Viewer.watch(browser, portal, guest)
    told = portal.get(path)
    (rendition,), (watcher,) = told["renditions"], told["viewers"]
    assert (rendition["format"], rendition["layer"]) == (watcher["format"], watcher["layer"])
    assert (rendition["width"], rendition["height"]) == viewer.encoded
    assert rendition["viewers"] == 1 and rendition["failures"] == 0
    assert rendition["frames"] >= watcher["frames"] > 0 and watcher["keyframes"] > 0
    arrived = await viewer.page.evaluate("window.libvirtWebRTC.stats()")
    assert arrived["framesDecoded"] > 0 and arrived["codec"]

    portal.token = "wrong"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        portal.get(path)
