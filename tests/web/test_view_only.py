"""A console page whose user may only look: it sends no input, leaves the keys to the browser, and says so."""

from playwright.async_api import Page

from tests.web.console_page import RESIZE, sent, set_up, told

INPUT = (*range(1, 7), RESIZE)
"""The types of all messages that do something to the guest."""
OPENED = {"type": "consoles", "consoles": [{"index": 0, "section": 0, "label": "a", "enabled": True}]}


async def use(page: Page) -> None:
    """Everything that a person could do to the guest's screen."""
    box = await page.locator("#stage").bounding_box()
    assert box is not None
    await page.locator("#stage").focus()
    await page.mouse.move(box["x"] + 200, box["y"] + 200)
    await page.mouse.down()
    await page.mouse.up()
    await page.mouse.wheel(0, 100)
    await page.keyboard.press("KeyA")
    await page.evaluate("consoles.active.input.chord('ControlLeft', 'AltLeft', 'Delete')")
    await page.evaluate("consoles.click(0)")
    await page.evaluate("consoles.first.resize()")


async def show(page: Page, role: str) -> None:
    await told(page, {"type": "role", "role": role}, None)
    await told(page, OPENED, None)
    await told(page, {"type": "size", "width": 640, "height": 480}, None)
    await told(page, {"type": "pointer-mode", "absolute": True}, None)


async def test_only_who_may_control_sends_input(page: Page) -> None:
    await set_up(page)
    await show(page, "control")
    await use(page)
    assert {message[1] for message in await sent(page, *INPUT)} >= {1, 2, 4, 5, RESIZE}
    await show(page, "view")
    await sent(page)
    await use(page)
    assert await sent(page, *INPUT) == []


async def test_who_may_only_view_keeps_keys_and_pointer(page: Page) -> None:
    await set_up(page)
    await show(page, "view")
    # What Pointer would lock at a click.
    await told(page, {"type": "pointer-mode", "absolute": False}, None)
    await page.evaluate("window.keys = []; addEventListener('keydown', (e) => keys.push(e.defaultPrevented))")
    await use(page)
    assert await page.evaluate("keys") == [False]
    assert await page.evaluate("document.pointerLockElement") is None
    assert await page.evaluate("hints") == []
    assert await page.evaluate("getComputedStyle(consoles.first.stage).cursor") == "default"
    label = await page.locator("#stage").get_attribute("aria-label")
    assert label is not None and label.endswith("You may only view it.")
