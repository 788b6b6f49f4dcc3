"""Wheel steps, buttons, and fingers."""

from collections.abc import Sequence
from typing import Any

import pytest
from playwright.async_api import Page

from tests.web.conftest import run

pytestmark = pytest.mark.browser


async def steps(page: Page, mode: int, deltas: Sequence[float]) -> list[int]:
    body = "const w = new m.WheelSteps(); return a[1].map((deltaY) => w.add({deltaX: 0, deltaY, deltaMode: a[0]}).dy)"
    result: list[int] = await run(page, "core/input/wheel.js", body, [mode, deltas])
    return [int(step) for step in result]


async def test_wheel_deltas_become_steps(page: Page) -> None:
    cases: list[tuple[int, Sequence[float], list[int]]] = [
        (0, [100, 100, -100], [1, 1, -1]),
        (0, [120, 120, 120, 120, 120], [1, 1, 2, 1, 1]),
        (0, [20] * 10, [0, 0, 1, 0, 0, 0, 0, 1, 0, 0]),
        # Turning round answers at once.
        (0, [60, -60], [1, -1]),
        (1, [3, -3, 1.5], [1, -1, 1]),
        (2, [1, -1], [1, -1]),
        (0, [5000], [20]),
        (0, [0, 0], [0, 0]),
    ]
    for mode, deltas, expected in cases:
        assert await steps(page, mode, deltas) == expected, deltas


async def test_buttons_are_compared(page: Page) -> None:
    for held, buttons, changes in [
        ([], 1, [(0, True)]),
        ([0], 1 | 2, [(2, True)]),
        ([0, 2], 2, [(0, False)]),
        ([], 4 | 8 | 16, [(1, True), (3, True), (4, True)]),
        ([1], 0, [(1, False)]),
        ([0], 1, []),
    ]:
        body = "return m.buttonChanges(new Set(a[0]), a[1])"
        result = await run(page, "core/input/pointer.js", body, [held, buttons])
        assert [(change["button"], change["down"]) for change in result] == changes


TOUCH = """
    const { Outbox } = await import('/static/core/input/outbox.js');
    const log = [];
    const outbox = new Outbox((bytes) => {
      const view = new DataView(bytes.buffer);
      if (bytes[0] === 2) log.push(`to ${view.getUint16(1)},${view.getUint16(3)}`);
      if (bytes[0] === 3) log.push(`by ${view.getInt16(1)},${view.getInt16(3)}`);
      if (bytes[0] === 4) log.push(`${bytes[1]}${bytes[2] ? 'down' : 'up'}`);
      if (bytes[0] === 5) log.push(`wheel ${view.getInt8(1)},${view.getInt8(2)}`);
    }, (flush) => flush());
    const stage = document.createElement('div');
    stage.setPointerCapture = () => {};
    document.body.append(stage);
    const toGuest = ({ clientX, clientY }) => ({ x: clientX, y: clientY });
    new m.Touch(stage, outbox, { toGuest, relative: () => a, scale: () => 0.5, moved: () => {} });
    const finger = (type, pointerId, clientX, clientY) =>
      stage.dispatchEvent(new PointerEvent(`pointer${type}`, { pointerType: 'touch', pointerId, clientX, clientY }));
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
"""


async def touch(page: Page, script: str, relative: bool = False) -> Any:
    return await run(page, "core/input/touch.js", f"{TOUCH} {script}; return log", relative)


async def test_a_tap_is_a_click(page: Page) -> None:
    script = "finger('down', 1, 50, 60); finger('move', 1, 52, 61); finger('up', 1, 52, 61)"
    assert await touch(page, script) == ["to 52,61", "0down", "0up"]
    # The second of two, nearby, is at the first one's place: else it is no double click.
    twice = "for (const x of [50, 57]) { finger('down', 1, x, 60); finger('up', 1, x, 60) }"
    assert await touch(page, twice) == ["to 50,60", "0down", "0up"] * 2


async def test_a_drag_holds_the_left_button_from_where_it_began(page: Page) -> None:
    script = """
        finger('down', 1, 50, 60); finger('move', 1, 70, 60); finger('move', 1, 90, 60); finger('up', 1, 90, 60)
    """
    assert await touch(page, script) == ["to 50,60", "0down", "to 70,60", "to 90,60", "0up"]
    assert await touch(page, script, relative=True) == ["by 40,0", "by 40,0"]


async def test_a_long_press_is_the_right_button(page: Page) -> None:
    script = "finger('down', 1, 50, 60); await wait(700); finger('up', 1, 50, 60)"
    assert await touch(page, script) == ["to 50,60", "2down", "2up"]


async def test_two_fingers_turn_the_wheel(page: Page) -> None:
    script = """
        finger('down', 1, 50, 200); finger('down', 2, 90, 200);
        for (const y of [150, 100]) { finger('move', 1, 50, y); finger('move', 2, 90, y) }
        finger('up', 1, 50, 100); finger('up', 2, 90, 100)
    """
    log = await touch(page, script)
    assert log[0] == "to 50,200"
    assert set(log[1:]) == {"wheel 0,1"}
