"""What a viewer does, as calls of QEMU's keyboard and mouse."""

import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.errors import DisplayClosed, DisplayError, InputRejected
from tests.worker.input_viewer import (
    PING,
    RELEASE_ALL,
    RESIZE,
    SHIFT,
    WATCH,
    A,
    B,
    FakeDisplay,
    InputViewer,
    button,
    key,
    move_by,
    move_to,
    settle,
    wheel,
)


async def test_messages_reach_qemu_in_order_with_its_own_numbers(input_viewer: InputViewer) -> None:
    input_viewer.feed(
        key("ShiftLeft", True), move_to(10, 20), button(0, True), button(0, False), key("ShiftLeft", False)
    )
    input_viewer.feed(button(3, True), button(3, False), button(4, True), button(4, False), button(2, True))
    await settle()
    assert input_viewer.display.calls == [
        ("key down", SHIFT),
        ("to", 10, 20),
        ("button down", 0),
        ("button up", 0),
        ("key up", SHIFT),
        ("button down", 5),
        ("button up", 5),
        ("button down", 6),
        ("button up", 6),
        ("button down", 2),
    ]


async def test_motion_that_does_not_fit_the_pointer_is_not_sent(input_viewer: InputViewer) -> None:
    input_viewer.feed(move_by(1, 1))
    await settle()
    input_viewer.display.mouse.is_absolute = False
    input_viewer.feed(move_to(1, 1))
    await settle()
    assert input_viewer.display.calls == []
    assert input_viewer.channel.sink.rejected == 2


async def test_wheel_steps_are_presses_of_qemus_wheel_buttons(input_viewer: InputViewer) -> None:
    input_viewer.feed(wheel(5, 2), wheel(0, -1), wheel(-3, 0))
    await settle()
    await settle()
    assert input_viewer.display.calls == [
        ("button down", 4),
        ("button up", 4),
        ("button down", 4),
        ("button up", 4),
        ("button down", 3),
        ("button up", 3),
    ]


async def test_key_that_repeats_is_pressed_again_and_released_once(input_viewer: InputViewer) -> None:
    input_viewer.feed(key("KeyA", True), key("KeyA", True), key("KeyA", False), key("KeyA", False))
    await settle()
    assert input_viewer.display.calls == [("key down", A), ("key down", A), ("key up", A)]


async def test_release_of_what_is_not_held_is_not_sent(input_viewer: InputViewer) -> None:
    input_viewer.feed(key("KeyA", False), button(0, False))
    await settle()
    assert input_viewer.display.calls == []


async def test_unknown_codes_and_buttons_are_counted_and_harmless(input_viewer: InputViewer) -> None:
    input_viewer.feed(key("Unidentified", True), key("NoSuchKey", False), button(5, True), button(255, False))
    input_viewer.feed(key("KeyA", True))
    await settle()
    assert input_viewer.display.calls == [("key down", A)]
    assert input_viewer.channel.sink.unknown == 4
    assert input_viewer.faults == []


async def test_release_all_lifts_buttons_then_keys_last_pressed_first(input_viewer: InputViewer) -> None:
    input_viewer.feed(
        key("ShiftLeft", True), key("KeyA", True), button(0, True), button(2, True), RELEASE_ALL
    )
    await settle()
    assert input_viewer.display.calls[4:] == [
        ("button up", 2),
        ("button up", 0),
        ("key up", A),
        ("key up", SHIFT),
    ]
    input_viewer.feed(RELEASE_ALL, key("KeyA", False))
    await settle()
    assert len(input_viewer.display.calls) == 8


async def test_refused_key_is_counted_and_not_held(input_viewer: InputViewer) -> None:
    input_viewer.display.refuse = lambda call: InputRejected("no") if call == ("key down", A) else None
    input_viewer.feed(key("KeyA", True), key("KeyB", True), key("KeyA", False), RELEASE_ALL)
    await settle()
    assert input_viewer.display.calls == [("key down", A), ("key down", B), ("key up", B)]
    assert input_viewer.channel.sink.rejected == 1
    assert input_viewer.faults == []


@pytest.mark.parametrize("error", [DisplayClosed("gone"), DisplayError("broken")])
async def test_ended_display_gets_nothing_more_and_is_not_the_viewers_fault(
    input_viewer: InputViewer, error: DisplayError
) -> None:
    input_viewer.display.refuse = lambda call: error
    input_viewer.feed(key("KeyA", True), key("KeyB", True), move_to(1, 1), RELEASE_ALL)
    await settle()
    input_viewer.feed(button(0, True), PING)
    await settle()
    assert input_viewer.display.calls == [("key down", A)]
    assert input_viewer.faults == []
    assert input_viewer.pongs == [42]


async def test_new_display_lifts_what_was_held_and_gets_nothing_that_waited(
    input_viewer: InputViewer,
) -> None:
    input_viewer.display.gate.clear()
    input_viewer.display.refuse = lambda call: DisplayClosed("gone")
    input_viewer.feed(key("KeyA", True), key("KeyB", True))
    await settle()
    input_viewer.input.detach()
    input_viewer.feed(key("KeyB", True))
    new = FakeDisplay()
    input_viewer.attach(new)
    input_viewer.channel.drop_queue()
    # The old display's end is noticed only now, and must not take the new one away.
    input_viewer.display.gate.set()
    await settle()
    input_viewer.feed(key("KeyA", False), key("ShiftLeft", True))
    await settle()
    assert input_viewer.display.calls == [("key down", A)]
    assert new.calls == [("key up", A), ("key down", SHIFT)]


async def test_viewer_without_a_display_is_answered_its_pings(input_viewer: InputViewer) -> None:
    input_viewer.input.detach()
    input_viewer.feed(key("KeyA", True), move_to(1, 1), wheel(0, 1), RELEASE_ALL, PING)
    await settle()
    assert input_viewer.display.calls == []
    assert input_viewer.pongs == [42]
    assert input_viewer.faults == []


async def test_viewer_that_may_only_view_is_only_answered_its_pings() -> None:
    viewer = InputViewer(role=Role.VIEW)
    viewer.feed(key("KeyA", True), move_to(1, 1), button(0, True), wheel(0, 1), RELEASE_ALL, PING)
    viewer.feed(WATCH, RESIZE)
    await settle()
    assert viewer.display.calls == []
    assert (viewer.pongs, viewer.watches, viewer.sizes) == ([42], [True], [])
    assert viewer.channel.refused == 6
    viewer.feed(b"\x99")
    assert len(viewer.faults) == 1
    await viewer.channel.close()
