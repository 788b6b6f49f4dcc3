"""Pages for the tests of this folder."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from tests.web.pages import ORIGIN, serve


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty page of this origin; `page.goto(ORIGIN + ...)` opens another. An error in it fails the test."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.route("**/*", serve)
    await page.goto(f"{ORIGIN}/blank")
    yield page
    await context.close()
    assert not errors
