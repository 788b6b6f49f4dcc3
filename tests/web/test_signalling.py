"""The console page while it waits for the answer to its offer."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from libvirt_webrtc.agent import limits
from tests.web.conftest import ORIGIN

pytestmark = pytest.mark.browser

CONSOLE = f"{ORIGIN}/console/11111111-2222-3333-4444-555555555555"
TURN = "no candidates could be gathered in time; check the TURN server"


class Portal:
    """Answers the console page's requests; the offer when ``answer`` is set."""

    def __init__(self, page: Page, config: dict[str, Any]) -> None:
        self.page = page
        self.config = config
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def open(self) -> None:
        await self.page.clock.install()
        await self.page.route("**/webrtc-config", lambda route: route.fulfill(json=self.config))
        await self.page.route("**/api/**", lambda route: route.fulfill(status=503))
        await self.page.route("**/whep", self._offered)
        await self.page.goto(CONSOLE)

    async def _offered(self, route: Route) -> None:
        self.asked.set()
        await self.answer.wait()
        await route.fulfill(status=504, json={"error": "no_candidates", "message": TURN})


async def test_why_a_slow_offer_failed_is_shown_when_the_portal_says_it(page: Page) -> None:
    portal = Portal(page, {"iceServers": []})
    await portal.open()
    async with asyncio.timeout(30):
        await portal.asked.wait()
    # As late as the portal may be.
    await page.clock.run_for(round(1000 * (limits.BODY_S + limits.AGENT_ANSWER_S)))
    portal.answer.set()
    await expect(page.locator("#notice-text")).to_have_text(TURN)


async def test_an_offer_that_is_not_answered_at_all_is_given_up(page: Page) -> None:
    portal = Portal(page, {"iceServers": []})
    await portal.open()
    async with asyncio.timeout(30):
        await portal.asked.wait()
    await page.clock.run_for(round(1000 * limits.PAGE_ANSWER_S) + 100)
    await expect(page.locator("#notice-text")).to_contain_text("cannot be reached")
    portal.answer.set()
