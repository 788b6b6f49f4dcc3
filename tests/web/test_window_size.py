"""Following the window, whatever guest and browser make of it; and what full screen says of keys."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.support.browsers import in_both_browsers, launch, why_not
from tests.web.console_page import RESIZE, sent, set_up, told
from tests.web.pages import ORIGIN, serve

pytestmark = pytest.mark.browser

WINDOW = {"width": 1000, "height": 644}
KEPT = "The guest was told the window’s size, but its desktop keeps another."


@pytest.fixture
async def clock_page(page: Page) -> Page:
    """A console page of a guest at 800x600, whose clock the test drives."""
    await page.clock.install()
    await set_up(page)
    await told(page, {"type": "size", "width": 800, "height": 600}, None)
    return page


async def follow(page: Page) -> None:
    """Switch it on, and have the guest's display device take the size."""
    await page.locator("#resize").click()
    assert await sent(page, RESIZE)
    await page.evaluate("windowSize.answered(true)")


async def hints(page: Page) -> list[str]:
    return [str(hint) for hint in await page.evaluate("hints")]


async def test_a_desktop_that_does_not_follow_is_told_of_after_five_seconds_once(clock_page: Page) -> None:
    page = clock_page
    await follow(page)
    await page.clock.run_for(4900)
    assert await hints(page) == []
    await page.clock.run_for(200)
    (hint,) = await hints(page)
    assert hint.startswith(KEPT) and "xrandr --auto" in hint

    # The next size says nothing new; switching it off and on asks anew.
    await page.set_viewport_size({"width": 900, "height": 644})
    await page.clock.run_for(1000)
    await page.evaluate("windowSize.answered(true)")
    await page.clock.run_for(6000)
    assert len(await hints(page)) == 1
    await page.locator("#resize").click()
    await follow(page)
    await page.clock.run_for(6000)
    assert len(await hints(page)) == 2


@pytest.mark.parametrize("size", [(1280, 756), (1272, 752), (1024, 768)])
async def test_a_guest_that_follows_or_rounds_or_takes_what_it_can_is_left_in_peace(
    clock_page: Page, size: tuple[int, int]
) -> None:
    page = clock_page
    await follow(page)
    await page.clock.run_for(2000)
    await told(page, {"type": "size", "width": size[0], "height": size[1]}, None)
    await page.clock.run_for(6000)
    assert await hints(page) == []


async def test_nothing_is_said_after_it_was_switched_off(clock_page: Page) -> None:
    page = clock_page
    await follow(page)
    await page.clock.run_for(2000)
    await page.locator("#resize").click()
    await page.clock.run_for(6000)
    assert await hints(page) == []


@pytest.fixture
async def disguised(request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    """Firefox that resists fingerprinting, on a screen of as many device pixels per CSS pixel as the parameter says."""
    if why := why_not("firefox"):
        pytest.skip(why)
    preferences: dict[str, bool | float | str] = {
        "privacy.resistFingerprinting": True,
        "layout.css.devPixelsPerPx": str(request.param),
    }
    async with async_playwright() as playwright:
        browser = await launch(playwright, "firefox", preferences=preferences)
        yield browser
        await browser.close()


@pytest.mark.parametrize(("disguised", "ratio"), [(1, 1), (1.25, 1.25)], indirect=["disguised"])
async def test_a_ratio_that_firefox_pretends_is_not_followed(disguised: Browser, ratio: float) -> None:
    # Without a viewport of the test's, which would be emulated, and counted otherwise.
    page = await (await disguised.new_context(no_viewport=True)).new_page()
    await page.route("**/*", serve)
    await set_up(page)
    assert await page.evaluate("devicePixelRatio") == 2
    await page.locator("#resize").click()
    (asked,) = await sent(page, RESIZE)
    width, height = await page.evaluate(
        "(({ width, height }) => [width, height])(document.querySelector('#stage').getBoundingClientRect())"
    )
    assert int.from_bytes(bytes(asked[2:4])) == pytest.approx(width * ratio, abs=1)
    assert int.from_bytes(bytes(asked[4:6])) == pytest.approx(height * ratio, abs=1)


@in_both_browsers
async def test_full_screen_says_which_keys_the_browser_keeps(browser: Browser) -> None:
    page = await (await browser.new_context()).new_page()
    await page.route("**/*", serve)
    await page.route("**/api/**", lambda route: route.fulfill(status=404))
    await page.goto(f"{ORIGIN}/console/uuid")
    await page.locator("#fullscreen").click()
    hint = page.locator("#hint.shown")
    await hint.wait_for()
    text = await hint.text_content()
    assert text is not None
    if browser.browser_type.name == "chromium":
        assert "Hold Esc to leave full screen" in text and "go to the guest" in text
    else:
        assert "keeps keys such as Ctrl+T, and Esc" in text
