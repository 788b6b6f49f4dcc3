"""The mouse's fourth and fifth button in Firefox, which goes back and forward with them and tells the page nothing."""

import pytest
from playwright.async_api import Page

from tests.support.browsers import in_both_browsers, until_true
from tests.web.console_page import set_up, told
from tests.web.input_log import changes
from tests.web.pages import run

pytestmark = [pytest.mark.browser, in_both_browsers]

SIZE = {"type": "size", "width": 640, "height": 480}


async def test_over_the_picture_they_are_the_guests_and_elsewhere_they_leave(page: Page) -> None:
    await set_up(page)
    await told(page, SIZE, None)
    await run(page, "core/input/side-buttons.js", "new m.SideButtons((button) => consoles.click(button));")
    # Firefox passes over entries of a page on which nobody has done anything.
    await page.mouse.click(640, 400)
    await until_true(page, "history.state?.['libvirt-webrtc.place'] === 'middle'")
    assert await changes(page) == ["0down", "0up"]
    for _ in range(2):
        for way, button in [("back", 3), ("forward", 4)]:
            await page.evaluate(f"history.{way}()")
            await until_true(page, "sent.some(([, type, , down]) => type === 4 && !down)")
            await until_true(page, "history.state?.['libvirt-webrtc.place'] === 'middle'")
            assert await changes(page) == [f"{button}down", f"{button}up"]
    await page.mouse.move(640, 10)
    await page.evaluate("setTimeout(() => history.back(), 0)")
    # Not the page's URL: Playwright does not see when Firefox takes a page out of its cache.
    await until_true(page, "location.pathname === '/blank'")


async def test_only_firefox_on_a_computer_takes_them(page: Page) -> None:
    taken = await run(page, "core/input/side-buttons.js", "return m.takesSideButtons();")
    assert taken == ("Firefox" in await page.evaluate("navigator.userAgent"))
    android = "Mozilla/5.0 (Android 15; Mobile; rv:153.0) Gecko/153.0 Firefox/153.0"
    assert not await run(page, "core/input/side-buttons.js", "return m.takesSideButtons(a);", android)
