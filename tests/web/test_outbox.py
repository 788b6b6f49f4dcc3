"""The order of what is sent, coalesced motion, and what is held."""

import pytest
from playwright.async_api import Page

from tests.web.conftest import run

pytestmark = pytest.mark.browser

SETUP = """
    const sent = [];
    let frame = () => {};
    const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const outbox = new m.Outbox((bytes) => sent.push(hex(bytes)), (flush) => { frame = flush; });
"""


async def sent(page: Page, script: str) -> list[str]:
    messages: list[str] = await run(page, "core/input/outbox.js", f"{SETUP} {script}; return sent")
    return messages


async def test_only_the_newest_position_of_a_frame_is_sent(page: Page) -> None:
    script = "outbox.moveTo(1, 1); outbox.moveTo(2, 3); frame(); outbox.moveTo(4, 4); frame()"
    assert await sent(page, script) == ["0200020003", "0200040004"]


async def test_relative_motion_adds_up_and_keeps_fractions(page: Page) -> None:
    script = "outbox.moveBy(1.5, -2); outbox.moveBy(2, 0); frame(); outbox.moveBy(0.5, 0); frame()"
    assert await sent(page, script) == ["030003fffe", "0300010000"]


async def test_nothing_overtakes_the_last_motion(page: Page) -> None:
    script = "outbox.moveTo(7, 8); outbox.button(0, true); outbox.moveTo(9, 8); outbox.wheel(0, 1); frame()"
    assert await sent(page, script) == ["0200070008", "040001", "0200090008", "050001"]


async def test_repeats_are_presses_and_strange_releases_are_nothing(page: Page) -> None:
    script = "outbox.key('KeyA', true); outbox.key('KeyA', true); outbox.key('KeyA', false); outbox.key('KeyA', false)"
    down, up = b"\x01\x01KeyA".hex(), b"\x01\x00KeyA".hex()
    assert await sent(page, script) == [down, down, up]


async def test_release_all_forgets_what_is_held(page: Page) -> None:
    script = """
        outbox.key('ShiftLeft', true); outbox.button(0, true); outbox.releaseAll();
        outbox.key('ShiftLeft', false); outbox.button(0, false); outbox.button(0, true)
    """
    assert await sent(page, script) == [b"\x01\x01ShiftLeft".hex(), "040001", "06", "040001"]


async def test_a_chord_is_released_in_the_opposite_order(page: Page) -> None:
    keys = [
        (1, "ControlLeft"),
        (1, "AltLeft"),
        (1, "Delete"),
        (0, "Delete"),
        (0, "AltLeft"),
        (0, "ControlLeft"),
    ]
    expected = [(bytes([1, down]) + code.encode()).hex() for down, code in keys]
    assert await sent(page, "outbox.chord('ControlLeft', 'AltLeft', 'Delete')") == expected
