"""The panel in which links are made, with the API's answers given here."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.web.pages import ORIGIN
from tests.web.transports import fake_transports

pytestmark = pytest.mark.browser

LISTED = {"links": [], "roles": ["view"], "longest_s": 86_400}


async def test_what_was_wrong_with_the_list_goes_when_it_comes_and_a_refusal_stays(page: Page) -> None:
    answers: dict[str, dict[str, Any]] = {
        "GET": {"status": 503, "json": {"error": "busy", "message": "the server is busy"}},
        "POST": {"status": 409, "json": {"error": "too_many_links", "message": "there are too many links"}},
    }
    await page.clock.install()
    await fake_transports(page)
    await page.route("**/links", lambda route: route.fulfill(**answers[route.request.method]))
    await page.goto(f"{ORIGIN}/console/uuid")
    error = page.locator("#share-error")
    await page.click("#share-toggle")
    await expect(error).to_have_text("The server is busy.")
    answers["GET"] = {"json": LISTED}
    await page.clock.run_for(5000)
    await expect(error).to_be_hidden()
    await page.click("#share-make")
    await expect(error).to_have_text("There are too many links.")
    async with page.expect_response(
        lambda response: response.request.method == "GET" and "/links" in response.url
    ):
        await page.clock.run_for(5000)
    await page.evaluate("fetch('/blank').then((answer) => answer.text())")
    await expect(error).to_have_text("There are too many links.")
