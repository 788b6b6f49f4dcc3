"""The console page while WebRTC takes over from a WebSocket; the transports do what the test says."""

import pytest
from playwright.async_api import Page

from tests.web.pages import ORIGIN
from tests.web.transports import fake_transports

pytestmark = pytest.mark.browser


async def come(page: Page, condition: str) -> None:
    """Wait for it. The page forbids eval, and with it `wait_for_function` of a text."""
    while not await page.evaluate(condition):
        await page.wait_for_timeout(20)


@pytest.fixture
async def console(page: Page) -> Page:
    """A console page over a WebSocket, with WebRTC still being tried."""
    await fake_transports(page)
    await page.goto(f"{ORIGIN}/console/uuid")
    await come(page, "Boolean(window.websocket?.opens)")
    await page.evaluate("websocket.opens()")
    await come(page, "libvirtWebRTC.state === 'connected'")
    return page


async def test_the_new_connection_is_asked_for_the_statistics_that_are_shown(console: Page) -> None:
    await console.click("#stats-toggle")
    await come(console, "log.includes('websocket sent 8,1')")
    await console.evaluate("webrtc.opens()")
    await come(console, "libvirtWebRTC.transport === 'webrtc'")
    assert "webrtc sent 8,1" in await console.evaluate("log")


async def test_what_is_held_goes_up_where_it_went_down(console: Page) -> None:
    await console.locator("#stage").focus()
    await console.keyboard.down("a")
    await console.evaluate("webrtc.opens()")
    await come(console, "log.includes('webrtc sent 9,0')")
    await console.keyboard.up("a")
    await come(console, "libvirtWebRTC.transport === 'webrtc'")
    sent = [line for line in await console.evaluate("log") if " sent 1," in line]
    assert sent == ["websocket sent 1,1,75,101,121,65", "websocket sent 1,0,75,101,121,65"]
