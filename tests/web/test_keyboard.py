"""Key events of browsers and systems, with their quirks, as the keys that a guest gets."""

import pytest
from playwright.async_api import Page

from tests.web.conftest import run

pytestmark = pytest.mark.browser

SETUP = """
    const { Outbox } = await import('/static/core/input/outbox.js');
    const log = [];
    const outbox = new Outbox((bytes) => {
      if (bytes[0] === 6) log.push('release');
      else log.push((bytes[1] ? '+' : '-') + String.fromCharCode(...bytes.slice(2)));
    });
    const target = new EventTarget();
    let grabbed = true;
    const handlers = {
      grabbed: () => grabbed, leave: () => log.push('leave'), pressed: () => {}, stats: () => log.push('stats'),
    };
    const keyboard = new m.Keyboard(target, outbox, handlers, a);
    const send = (type) => (code, more = {}) => {
      const event = new KeyboardEvent(type, { code, cancelable: true, ...more });
      target.dispatchEvent(event);
      return event.defaultPrevented;
    };
    const down = send('keydown'), up = send('keyup');
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
"""


async def log(page: Page, script: str, platform: str = "other") -> list[str | bool]:
    lines: list[str | bool] = await run(
        page, "core/input/keyboard.js", f"{SETUP} {script}; return log", platform
    )
    return lines


async def test_the_grab_decides_whose_keys_they_are(page: Page) -> None:
    assert await log(page, "log.push(down('F5'), up('F5'))") == ["+F5", "-F5", True, True]
    assert await log(page, "grabbed = false; log.push(down('F5'))") == [False]


async def test_the_chord_for_statistics_is_the_pages_and_no_way_out(page: Page) -> None:
    modifiers = ["ControlLeft", "AltLeft", "ShiftLeft"]
    chord = "".join(f"down('{code}');" for code in [*modifiers, "KeyS"])
    released = "".join(f"up('{code}');" for code in ["KeyS", *modifiers])
    assert await log(page, chord + released) == [
        *(f"+{code}" for code in modifiers),
        "stats",
        *(f"-{code}" for code in modifiers),
    ]
    assert await log(page, "down('ControlLeft'); down('KeyS')") == ["+ControlLeft", "+KeyS"]


async def test_repeats_are_presses(page: Page) -> None:
    script = "down('KeyA'); down('KeyA', {repeat: true}); up('KeyA')"
    assert await log(page, script) == ["+KeyA", "+KeyA", "-KeyA"]


async def test_composition_is_not_keys(page: Page) -> None:
    for event in ["down('')", "down('Unidentified')", "down('KeyA', {isComposing: true})"]:
        assert await log(page, f"log.push({event})") == [False], event


async def test_windows(page: Page) -> None:
    altgr = (
        "down('ControlLeft'); down('AltRight'); down('KeyQ'); up('KeyQ'); up('ControlLeft'); up('AltRight')"
    )
    assert await log(page, f"{altgr}; await wait(80)", "windows") == [
        "+AltRight",
        "+KeyQ",
        "-KeyQ",
        "-AltRight",
    ]
    control = "down('ControlLeft'); down('KeyC'); up('KeyC'); up('ControlLeft')"
    assert await log(page, control, "windows") == ["+ControlLeft", "+KeyC", "-KeyC", "-ControlLeft"]
    forgotten = "down('ControlLeft'); keyboard.reset(); outbox.releaseAll(); await wait(80)"
    assert await log(page, forgotten, "windows") == ["release"]


async def test_mac(page: Page) -> None:
    command = "down('MetaLeft', {metaKey: true}); down('KeyC', {metaKey: true}); up('MetaLeft')"
    assert await log(page, command, "mac") == ["+MetaLeft", "+KeyC", "-KeyC", "-MetaLeft"]
    assert await log(page, "down('CapsLock'); up('CapsLock')", "mac") == ["+CapsLock", "-CapsLock"] * 2


async def test_print_screen_without_a_press_is_pressed(page: Page) -> None:
    assert await log(page, "up('PrintScreen')") == ["+PrintScreen", "-PrintScreen"]


async def test_ctrl_alt_shift_alone_leaves(page: Page) -> None:
    held = "down('ControlLeft'); down('AltLeft'); down('ShiftLeft')"
    assert (await log(page, f"{held}; up('ShiftLeft')"))[-1] == "leave"
    assert "leave" not in await log(page, f"{held}; down('KeyA'); up('KeyA'); up('ShiftLeft')")


async def test_text_is_typed_on_a_us_layout(page: Page) -> None:
    module = "core/input/text.js"
    keys = {"a": ("KeyA", False), "A": ("KeyA", True), "1": ("Digit1", False), "!": ("Digit1", True)}
    keys |= {"?": ("Slash", True), "|": ("Backslash", True), " ": ("Space", False), "\n": ("Enter", False)}
    for character, (code, shift) in keys.items():
        assert await run(page, module, "return m.keyFor(a)", character) == {"code": code, "shift": shift}
    assert await run(page, module, "return m.keyFor(a)", "é") is None
    for before, after, erased, typed in [
        ("__", "__hi", 0, "hi"),
        ("__teh", "__the", 2, "he"),
        ("__", "_", 1, ""),
    ]:
        found = await run(page, module, "return m.difference(...a)", [before, after])
        assert found == {"erased": erased, "typed": typed}
