"""The console page while it waits for the answer to its offer."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from libvirt_webrtc.agent import limits
from tests.web.pages import ORIGIN

pytestmark = pytest.mark.browser

CONSOLE = f"{ORIGIN}/console/11111111-2222-3333-4444-555555555555"
DEADLINE_S = 30.0
TURN = "no candidates could be gathered in time; check the TURN server"
SHOWN = "No candidates could be gathered in time; check the TURN server."


NO_CANDIDATES: dict[str, Any] = {"status": 504, "json": {"error": "no_candidates", "message": TURN}}


class Portal:
    """Answers the console page's requests: the offers with ``answer``, once ``go`` is set."""

    def __init__(self, page: Page, answer: dict[str, Any]) -> None:
        self.page = page
        self.answer = answer
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    async def open(self) -> None:
        """Open the console page, whose clock only the test moves on, and wait for its offer."""
        await self.page.clock.install()
        await self.page.route("**/webrtc-config", lambda route: route.fulfill(json={"iceServers": []}))
        await self.page.route("**/api/**", lambda route: route.fulfill(status=503))
        await self.page.route("**/whep", self._offered)
        await self.page.goto(CONSOLE)
        async with asyncio.timeout(DEADLINE_S):
            await self.asked.wait()

    async def _offered(self, route: Route) -> None:
        self.asked.set()
        await self.go.wait()
        await route.fulfill(**self.answer)


async def test_why_a_slow_offer_failed_is_shown_when_the_portal_says_it(page: Page) -> None:
    portal = Portal(page, NO_CANDIDATES)
    await portal.open()
    # As late as the portal may be.
    await page.clock.run_for(round(1000 * (limits.BODY_S + limits.AGENT_ANSWER_S)))
    portal.go.set()
    await expect(page.locator("#notice-text")).to_have_text(SHOWN)


async def test_an_offer_that_is_not_answered_at_all_is_given_up(page: Page) -> None:
    portal = Portal(page, NO_CANDIDATES)
    await portal.open()
    await page.clock.run_for(round(1000 * limits.PAGE_ANSWER_S) + 100)
    await expect(page.locator("#notice-text")).to_contain_text("cannot be reached")
    portal.go.set()


async def test_an_answer_that_cannot_be_used_is_told_and_tried_again(page: Page) -> None:
    """Also by no error that nobody catches: the page's fixture would fail."""
    sdp = {"status": 201, "content_type": "application/sdp", "body": "v=0\r\nthis is no answer\r\n"}
    portal = Portal(page, sdp)
    await portal.open()
    portal.go.set()
    await expect(page.locator("#status-text")).to_have_text("Reconnecting")
    await expect(page.locator("#notice-text")).to_contain_text("SessionDescription")
