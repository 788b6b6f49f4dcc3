"""Parts of the console page that come late, or not at all."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.browsers import in_both_browsers
from tests.web.pages import ORIGIN, serve
from tests.web.transports import fake_transports

pytestmark = pytest.mark.browser


class Network:
    """What the page asks for; nothing whose name has `lost` in it comes."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.lost = "no file"
        self.asked: list[str] = []

    async def serve(self, route: Route) -> None:
        self.asked.append(route.request.url)
        if self.lost in route.request.url:
            await route.abort()
        else:
            await serve(route)


@pytest.fixture
async def network(page: Page) -> AsyncIterator[Network]:
    network = Network(page)
    await page.route("**/static/**", network.serve)
    yield network


@in_both_browsers
async def test_a_panel_that_cannot_be_fetched_is_fetched_at_the_next_click(
    page: Page, network: Network
) -> None:
    await fake_transports(page)
    network.lost = "share-panel"
    await page.goto(f"{ORIGIN}/console/uuid")
    assert not any("share-panel" in url for url in network.asked)
    await page.click("#share-toggle")
    await expect(page.locator("#hint")).to_contain_text("Part of this page could not be loaded.")
    await expect(page.locator("#share")).to_be_hidden()
    network.lost = "no file"
    await page.click("#share-toggle")
    await expect(page.locator("#share")).to_be_visible()
    await page.click("#share-toggle")
    await expect(page.locator("#share")).to_be_hidden()


async def test_a_websocket_that_cannot_be_fetched_is_said_and_tried_again(page: Page) -> None:
    lost = True

    async def fake(route: Route) -> None:
        if lost:
            await route.abort()
        else:
            await route.fallback()

    await fake_transports(page)
    await page.route("**/core/websocket-transport.js*", fake)
    await page.goto(f"{ORIGIN}/console/uuid?transport=websocket")
    await expect(page.locator("#notice-text")).to_contain_text("Part of this page could not be loaded.")
    lost = False
    while "websocket made" not in await page.evaluate("log"):
        await page.wait_for_timeout(20)
