"""A viewer that the server cuts reads why on its page, which connects again."""

import pytest
from playwright.async_api import Browser

from tests.e2e.viewer import Viewer, wait_for
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

KEEP_CHANNELS = """
window.sentences = new Set();
window.channels = [];
const original = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (...of) {
  const made = original.apply(this, of);
  window.channels.push(made);
  return made;
};
new MutationObserver(() => window.sentences.add(document.body?.innerText ?? "")).observe(document, {
  subtree: true, childList: true, characterData: true,
});
"""
"""Keeps the page's data channels and whatever it showed."""


async def test_the_page_says_why_it_was_cut(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest("baremetal")
    portal.wait_console(guest.uuid)
    page = await Viewer.sign_in(browser, portal)
    await page.add_init_script(KEEP_CHANNELS)
    viewer = await Viewer.click(page, guest)
    await page.evaluate("window.channels[0].send(new Uint8Array([0xff]))")

    async def said() -> bool:
        texts: list[str] = await page.evaluate("[...window.sentences]")
        why = "The server ended this connection: an input message of unknown type 0xff."
        return any(why in text for text in texts)

    await wait_for(said, "the reason on the page")
    await viewer.wait_known_picture()
    await page.context.close()
