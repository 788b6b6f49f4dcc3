"""A browser that hides the modifier keys from pages: Firefox with ``resistFingerprinting``."""

import pytest
from playwright.async_api import async_playwright

from tests.support.browsers import launch, why_not
from tests.web.console_page import set_up
from tests.web.input_log import changes
from tests.web.pages import serve

pytestmark = pytest.mark.browser


async def test_capitals_and_chords_are_typed_though_shift_and_ctrl_have_no_events() -> None:
    if why := why_not("firefox"):
        pytest.skip(why)
    async with async_playwright() as playwright:
        browser = await launch(playwright, "firefox", preferences={"privacy.resistFingerprinting": True})
        page = await browser.new_page()
        await page.route("**/*", serve)
        await set_up(page)
        await page.locator("#stage").focus()
        await changes(page)
        await page.keyboard.press("Shift+A")
        await page.keyboard.press("b")
        await page.keyboard.press("Control+c")
        a = ["+ShiftLeft", "+KeyA", "-KeyA", "-ShiftLeft"]
        c = ["+ControlLeft", "+KeyC", "-KeyC", "-ControlLeft"]
        assert await changes(page) == [*a, "+KeyB", "-KeyB", *c]
        await browser.close()
