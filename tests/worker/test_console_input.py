"""What is held belongs to the console: it goes up however its holders, the display or the worker end."""

import asyncio

import pytest

from libvirt_webrtc.agent import limits
from libvirt_webrtc.errors import DisplayClosed, InputRejected
from libvirt_webrtc.input.keymap import QNUM_BY_CODE
from libvirt_webrtc.worker.console_input import QEMU_BUTTONS
from tests.worker.input_viewer import (
    RELEASE_ALL,
    SHIFT,
    A,
    B,
    Clock,
    FakeDisplay,
    InputViewer,
    button,
    key,
    settle,
)

EVERYTHING = {("key up", qnum) for qnum in QNUM_BY_CODE.values()} | {
    ("button up", number) for number in QEMU_BUTTONS.values()
}


@pytest.mark.parametrize(
    ("down", "up", "calls"),
    [
        (key("ShiftLeft", True), key("ShiftLeft", False), [("key down", SHIFT), ("key up", SHIFT)]),
        (button(0, True), button(0, False), [("button down", 0), ("button up", 0)]),
    ],
)
@pytest.mark.parametrize("last", ["releases", "releases all", "leaves"])
async def test_what_two_viewers_hold_goes_up_with_the_last_one(
    input_viewer: InputViewer, down: bytes, up: bytes, calls: list[tuple[str, int]], last: str
) -> None:
    other = InputViewer(beside=input_viewer)
    input_viewer.feed(down)
    other.feed(down)
    await settle()
    assert input_viewer.display.calls == [calls[0], calls[0]]
    input_viewer.feed(up)
    await settle()
    assert input_viewer.display.calls == [calls[0], calls[0]]
    if last == "leaves":
        await other.channel.close()
    else:
        other.feed(up if last == "releases" else RELEASE_ALL)
    await settle()
    assert input_viewer.display.calls == [calls[0], calls[0], calls[1]]
    await other.channel.close()


async def test_qemu_that_answers_late_ends_no_input_and_leaves_no_key_down(input_viewer: InputViewer) -> None:
    """Five seconds were once taken for the display's end: nothing was sent any more, and the key stayed down."""
    clock = Clock()
    input_viewer.display.gate.clear()
    input_viewer.feed(key("KeyA", True), key("KeyA", False))
    await clock.advance(60)
    input_viewer.display.gate.set()
    input_viewer.feed(key("KeyB", True))
    await settle()
    assert input_viewer.display.calls == [("key down", A), ("key up", A), ("key down", B)]


async def test_what_a_viewer_held_goes_up_when_it_leaves_while_the_display_is_away(
    input_viewer: InputViewer,
) -> None:
    input_viewer.feed(key("ShiftLeft", True), button(0, True))
    await settle()
    input_viewer.input.detach()
    await input_viewer.channel.close()
    new = FakeDisplay()
    input_viewer.attach(new)
    await settle()
    assert new.calls == [("button up", 0), ("key up", SHIFT)]
    assert new.posted == []


async def test_what_could_not_be_lifted_because_the_display_ended_goes_up_at_the_next_one(
    input_viewer: InputViewer,
) -> None:
    input_viewer.feed(key("KeyA", True))
    await settle()
    input_viewer.display.refuse = lambda call: DisplayClosed("gone")
    input_viewer.feed(key("KeyA", False))
    await settle()
    new = FakeDisplay()
    input_viewer.attach(new)
    await settle()
    assert new.calls == [("key up", A)]


async def test_what_a_vanished_console_refuses_to_lift_goes_up_when_it_is_back(
    input_viewer: InputViewer,
) -> None:
    input_viewer.feed(key("KeyA", True))
    await settle()
    input_viewer.display.gate.clear()
    input_viewer.display.refuse = lambda call: InputRejected("no such object")
    input_viewer.feed(key("KeyA", False))
    await settle()
    input_viewer.input.detach()
    input_viewer.display.gate.set()
    await settle()
    new = FakeDisplay()
    input_viewer.attach(new)
    await settle()
    assert new.calls == [("key up", A)]


async def test_a_refused_release_is_not_tried_for_ever(input_viewer: InputViewer) -> None:
    input_viewer.feed(key("KeyA", True), key("KeyB", True))
    await settle()
    input_viewer.display.refuse = lambda call: InputRejected("no")
    await input_viewer.channel.close()
    await settle()
    assert input_viewer.display.calls[2:] == [("key up", B), ("key up", A)]


async def test_a_new_worker_lifts_everything_once_before_anything_is_pressed() -> None:
    """An earlier worker that was killed may have left anything down."""
    viewer = InputViewer()
    assert set(viewer.display.posted) == EVERYTHING
    viewer.attach(again := FakeDisplay())
    await settle()
    assert (again.posted, again.calls) == ([], [])
    await viewer.channel.close()


async def test_close_lifts_what_is_held_and_takes_nothing_more(input_viewer: InputViewer) -> None:
    input_viewer.display.posted.clear()
    input_viewer.feed(key("ShiftLeft", True), button(0, True))
    await settle()
    await input_viewer.input.close()
    input_viewer.feed(key("KeyA", True))
    await settle()
    assert input_viewer.display.calls[2:] == [("button up", 0), ("key up", SHIFT)]
    assert input_viewer.display.posted == []


async def test_close_sends_what_a_hanging_qemu_has_not_lifted_in_time(input_viewer: InputViewer) -> None:
    """A worker was once killed while it waited: the supervisor's patience was shorter than its own."""
    input_viewer.feed(key("ShiftLeft", True), button(0, True))
    await settle()
    input_viewer.display.posted.clear()
    input_viewer.display.gate.clear()
    clock = Clock()
    closing = asyncio.create_task(input_viewer.input.close())
    await settle()
    assert not closing.done()
    await clock.advance(limits.LIFT_S)
    assert closing.done()
    assert input_viewer.display.posted == [("button up", 0), ("key up", SHIFT)]
