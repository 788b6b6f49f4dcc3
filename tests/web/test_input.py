"""Keyboard, mouse and wheel on a console page, in both browsers."""

from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browsers import in_both_browsers, until_true
from tests.web.console_page import set_up, told
from tests.web.input_log import changes, said
from tests.web.pages import serve

pytestmark = [pytest.mark.browser, in_both_browsers]

SIZE = {"type": "size", "width": 640, "height": 480}
RELATIVE = {"type": "pointer-mode", "absolute": False}


async def shown(page: Page) -> None:
    """A guest's picture in the middle of the stage, larger than itself, with room on both sides."""
    await set_up(page)
    await told(page, SIZE, None)
    await page.locator("#stage").focus()
    await said(page)


async def middle(page: Page) -> tuple[float, float]:
    box = await page.locator("#screen").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def mouse_event(page: Page, kind: str, properties: dict[str, Any]) -> None:
    """A mouse event of which a test says everything, on the stage."""
    await page.evaluate(
        """([kind, properties]) => {
          const event = new PointerEvent(kind, { bubbles: true, pointerType: "mouse", button: -1, ...properties });
          document.querySelector("#stage").dispatchEvent(event);
        }""",
        [kind, properties],
    )


async def test_alt_that_the_window_manager_keeps_goes_up_with_the_mouses_next_event(page: Page) -> None:
    await shown(page)
    await page.keyboard.down("Alt")
    assert await said(page) == ["+AltLeft"]
    await mouse_event(page, "pointermove", {"altKey": True})
    assert await changes(page) == []
    await mouse_event(page, "pointermove", {})
    assert await changes(page) == ["-AltLeft"]


async def test_a_button_takes_along_the_modifier_that_its_event_tells_of(page: Page) -> None:
    await shown(page)
    await page.mouse.move(*await middle(page))
    await page.keyboard.down("Control")
    await page.evaluate("consoles.first.input.releaseAll()")
    await changes(page)
    await page.mouse.down()
    await page.mouse.up()
    assert await changes(page) == ["+ControlLeft", "0down", "0up"]
    await page.keyboard.up("Control")
    await page.mouse.move(20, 100)
    assert await changes(page) == ["-ControlLeft"]


async def test_a_key_that_comes_after_the_blur_is_not_sent(page: Page) -> None:
    await shown(page)
    await page.evaluate("() => { document.hasFocus = () => false; window.dispatchEvent(new Event('blur')); }")
    await page.keyboard.press("KeyB")
    assert await said(page) == ["release"]
    await page.evaluate("window.dispatchEvent(new Event('focus'))")
    await page.keyboard.press("KeyA")
    assert await said(page) == ["+KeyA", "-KeyA"]


async def test_a_key_without_a_code_is_typed_or_told_of(page: Page) -> None:
    await shown(page)

    async def pressed(key: str) -> None:
        await page.evaluate("(key) => { window.dispatchEvent(new KeyboardEvent('keydown', { key })); }", key)

    await pressed("A")
    assert await said(page) == ["+ShiftLeft", "+KeyA", "-KeyA", "-ShiftLeft"]
    await pressed("é")
    await pressed("Unidentified")
    assert await said(page) == []
    hints = await page.evaluate("hints")
    assert "“é” was not typed" in hints[0] and "A key was not sent" in hints[1]


async def test_what_was_pressed_elsewhere_is_not_the_guests(page: Page) -> None:
    await shown(page)
    x, y = await middle(page)
    for outside in [(400, 20), (20, y)]:  # the bar, and beside the picture
        await page.mouse.move(*outside)
        await page.mouse.down()
        await page.mouse.move(x, y)
        await page.mouse.up()
        assert await changes(page) == []
    await page.mouse.down()
    await page.mouse.move(20, y)
    await page.mouse.up()
    assert await changes(page) == ["0down", "0up"]


async def test_after_a_blur_a_button_has_to_be_pressed_anew(page: Page) -> None:
    await shown(page)
    x, y = await middle(page)
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.evaluate("window.dispatchEvent(new Event('blur'))")
    await page.mouse.move(x + 5, y)
    assert await changes(page) == ["0down"]
    await page.mouse.up()
    await page.mouse.down()
    assert await changes(page) == ["0down"]


async def test_buttons_that_are_pressed_during_a_drag_are_the_guests(page: Page) -> None:
    await shown(page)
    x, y = await middle(page)
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(20, y)
    await page.mouse.down(button="right")
    await page.mouse.up(button="right")
    await page.mouse.up()
    assert await changes(page) == ["0down", "2down", "2up", "0up"]


async def test_a_relative_guest_has_input_where_the_pointer_cannot_be_locked(page: Page) -> None:
    await page.add_init_script("delete Element.prototype.requestPointerLock;")
    await shown(page)
    await told(page, RELATIVE, None)
    assert await page.evaluate("hints") == [
        "Move the mouse over the picture to move the guest’s pointer. This browser cannot lock it there."
    ]
    x, y = await middle(page)
    scale = await page.evaluate("consoles.first.display.scale")
    await page.mouse.move(round(x), round(y))
    await said(page)
    await page.mouse.move(round(x) + 60, round(y))
    await page.mouse.down()
    await page.mouse.up()
    motion, *clicks = await said(page)
    assert clicks == ["0down", "0up"]
    assert motion == f"by {int(60 / scale)},0"


async def test_a_relative_guests_pointer_is_locked_by_a_click_on_the_picture(page: Page) -> None:
    await shown(page)
    await told(page, RELATIVE, None)
    x, y = await middle(page)
    await page.mouse.move(400, 20)
    await page.mouse.down()
    await page.mouse.move(x, y)
    await page.mouse.up()
    assert await page.evaluate("document.pointerLockElement") is None
    await page.mouse.down()
    await page.mouse.up()
    await until_true(page, "document.pointerLockElement?.id === 'stage'")
    assert await changes(page) == []


@pytest.mark.parametrize("ratio", [1, 1.5, 2.5])
async def test_ten_notches_are_ten_steps(browser: Browser, ratio: float) -> None:
    context = await browser.new_context(viewport={"width": 900, "height": 644}, device_scale_factor=ratio)
    page = await context.new_page()
    await page.route("**/*", serve)
    await shown(page)
    await page.evaluate("window.turned = 0; window.addEventListener('wheel', () => { turned += 1; })")
    await page.mouse.move(*await middle(page))
    for way in (1, -1):
        for _ in range(10):
            await page.mouse.wheel(0, 100 * way)
        await until_true(page, "turned === 10")
        await page.evaluate("window.turned = 0")
        steps = [int(one.removeprefix("wheel 0,")) for one in await changes(page)]
        assert (sum(steps), min(map(abs, steps))) == (10 * way, 1)
    await context.close()


async def test_a_card_with_nothing_to_click_lets_the_mouse_through(page: Page) -> None:
    await shown(page)
    show = """async (facts) => {
      const { Notice } = await import("/static/app/notice.js");
      const { situation } = await import("/static/app/situation.js");
      const connected = { session: "connected", message: "", list: null, domain: null, paused: false, problem: "" };
      new Notice(() => undefined).show(situation({ ...connected, showing: true, enabled: false, ...facts }), 0);
    }"""
    await page.evaluate(show, {})
    card = page.locator("#notice .card")
    await expect(card).to_contain_text("A key or the mouse may wake it")
    box = await card.bounding_box()
    assert box is not None
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.click(*place)
    assert await changes(page) == ["0down", "0up"]
    await page.evaluate(show, {"session": "waiting"})
    await page.mouse.click(*place)
    assert await changes(page) == []
