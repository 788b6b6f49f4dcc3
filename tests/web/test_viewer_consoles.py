"""The console page's screens."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browsers import until_true
from tests.web.console_page import RELEASE, RESIZE, WATCH, sent, set_up, told
from tests.web.pages import serve

pytestmark = pytest.mark.browser

TWO = [
    {"index": 0, "section": 0, "label": "video0.0", "enabled": True},
    {"index": 1, "section": 1, "label": "video0.1", "enabled": None},
]


async def test_a_single_screen_has_no_strip_and_no_words_of_its_own(page: Page) -> None:
    await set_up(page)
    await told(page, {"type": "consoles", "consoles": TWO[:1]}, None)
    await told(page, {"type": "enabled", "enabled": False}, None)
    await expect(page.locator("#screens")).to_be_hidden()
    await expect(page.locator(".veil")).to_be_hidden()
    assert await sent(page, WATCH, "open") == []


async def test_a_second_screen_is_opened_when_it_is_looked_at_and_not_before(page: Page) -> None:
    await set_up(page)
    await told(page, {"type": "consoles", "consoles": TWO}, None)
    assert await sent(page, WATCH, "open") == []
    await expect(page.locator(".viewer-console:visible")).to_have_count(1)
    await page.get_by_role("button", name="Screen 2").click()
    assert await sent(page, WATCH, "open") == [[None, WATCH, 0], ["open", 1], [1, WATCH, 1]]
    await expect(page.locator(".viewer-console:visible")).to_have_count(1)
    await expect(page.locator(".stage:visible")).to_be_focused()
    await page.get_by_role("button", name="Screen 1").click()
    assert await sent(page, WATCH, "open") == [[None, WATCH, 1], [1, WATCH, 0]]


async def test_side_by_side_shows_all_and_is_remembered(page: Page) -> None:
    await set_up(page)
    await told(page, {"type": "consoles", "consoles": TWO}, None)
    await page.get_by_role("button", name="Screens side by side").click()
    assert await sent(page, WATCH, "open") == [["open", 1], [1, WATCH, 1]]
    boxes = [await view.bounding_box() for view in await page.locator(".viewer-console:visible").all()]
    assert [box and (box["x"], box["width"]) for box in boxes] == [(0, 639.5), (640.5, 639.5)]
    await set_up(page)
    await told(page, {"type": "consoles", "consoles": TWO}, None)
    await expect(page.locator(".viewer-console:visible")).to_have_count(2)


async def test_keys_go_to_the_screen_that_has_the_focus(page: Page) -> None:
    await set_up(page)
    await told(page, {"type": "consoles", "consoles": TWO}, None)
    await page.get_by_role("button", name="Screens side by side").click()
    await sent(page)
    key = [1, 1, *b"KeyA"]
    for place, index in [(1, 1), (0, None)]:
        await page.locator(".stage").nth(place).focus()
        await page.keyboard.down("KeyA")
        assert await sent(page, 1) == [[index, *key]]
        await page.keyboard.up("KeyA")
        await sent(page)
    # What is held goes up where it was held.
    await page.keyboard.down("KeyA")
    await sent(page)
    await page.locator(".stage").nth(1).focus()
    assert [None, RELEASE] in await sent(page, RELEASE)


async def test_a_screen_that_is_off_says_so_and_is_switched_on_by_a_click(page: Page) -> None:
    await set_up(page)
    await told(page, {"type": "consoles", "consoles": TWO}, None)
    await page.get_by_role("button", name="Screen 2").click()
    await told(page, {"type": "enabled", "enabled": False}, 1)
    await expect(page.locator(".veil:visible")).to_contain_text("This screen is off")
    assert await sent(page, RESIZE) == []
    await page.get_by_role("button", name="Switch it on").click()
    (asked,) = await sent(page, RESIZE)
    assert asked[:6] == [1, RESIZE, *(1280).to_bytes(2), *(756).to_bytes(2)]
    await told(page, {"type": "consoles", "consoles": [TWO[0], {**TWO[1], "enabled": False}]}, None)
    await expect(page.get_by_role("button", name="Screen 2 (off)")).to_be_visible()


async def test_a_screen_that_goes_takes_its_tab_along_and_comes_back(page: Page) -> None:
    await set_up(page)
    await told(page, {"type": "consoles", "consoles": TWO}, None)
    await page.get_by_role("button", name="Screen 2").click()
    await told(page, {"type": "consoles", "consoles": TWO[:1]}, None)
    await expect(page.locator("#screens")).to_be_hidden()
    await expect(page.locator("#stage")).to_be_visible()
    await sent(page)
    await told(page, {"type": "consoles", "consoles": TWO}, None)
    await page.get_by_role("button", name="Screen 2").click()
    assert await sent(page, WATCH, "open") == [[None, WATCH, 0], [1, WATCH, 1]]


async def test_screens_are_in_the_order_of_their_consoles_whichever_was_asked_for(page: Page) -> None:
    await set_up(page, index=1)
    consoles = [{**TWO[1], "section": 0}, {**TWO[0], "section": 1}]
    await told(page, {"type": "consoles", "consoles": consoles}, None)
    await expect(page.get_by_role("button", name="Screen 2")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="Screen 1").click()
    assert await sent(page, "open") == [["open", 0]]


async def test_nothing_is_watched_on_a_page_that_nobody_sees(page: Page) -> None:
    await set_up(page)
    for hidden in (True, False):
        await page.evaluate(
            """(hidden) => {
              Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
              document.dispatchEvent(new Event("visibilitychange"));
            }""",
            hidden,
        )
        assert await sent(page, WATCH) == [[None, WATCH, int(not hidden)]]


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 2])
async def test_the_guest_is_asked_for_the_windows_own_pixels(browser: Browser, ratio: float) -> None:
    context = await browser.new_context(viewport={"width": 1000, "height": 644}, device_scale_factor=ratio)
    page = await context.new_page()
    await page.route("**/*", serve)
    await set_up(page)
    await page.locator("#resize").click()

    async def asked(width: int, height: int) -> None:
        wanted = [*round(width * ratio).to_bytes(2), *round(height * ratio).to_bytes(2)]
        await until_true(
            page,
            "(wanted) => String(sent.filter(([, type]) => type === 10).at(-1)?.slice(2, 6)) === String(wanted)",
            wanted,
        )

    await asked(1000, 600)
    for step in range(10):  # A drag, of which the end counts.
        await page.set_viewport_size({"width": 1000 - 20 * step, "height": 644})
    await asked(820, 600)
    await sent(page)
    await page.locator("#resize").click()
    await page.set_viewport_size({"width": 900, "height": 644})
    await page.wait_for_timeout(400)
    assert not await sent(page, RESIZE)
    await context.close()


async def test_a_device_that_takes_no_size_switches_the_toggle_back_and_says_why(page: Page) -> None:
    await set_up(page)
    toggle = page.locator("#resize")
    await toggle.click()
    await page.evaluate("windowSize.answered(false)")
    await expect(toggle).to_have_attribute("aria-pressed", "false")
    assert await page.evaluate("hints") == ["This guest’s display device has no way to follow the window."]


async def test_hint_of_a_relative_pointer_goes_with_it(page: Page) -> None:
    await set_up(page)
    await told(page, {"type": "pointer-mode", "absolute": False}, None)
    assert await page.evaluate("hints") == ["Click the picture to move the guest’s pointer."]
    await told(page, {"type": "pointer-mode", "absolute": True}, None)
    assert await page.evaluate("hints") == []
