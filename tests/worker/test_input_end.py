"""How an input channel ends: closed, at fault, silent; nothing stays held."""

import asyncio

from libvirt_webrtc.errors import ViewerProtocolError, WorkerError
from libvirt_webrtc.worker.input_channel import SILENT_AFTER_S
from tests.worker.input_viewer import (
    PING,
    SHIFT,
    A,
    B,
    Clock,
    InputViewer,
    button,
    key,
    settle,
)


async def test_close_releases_what_is_held_and_sends_nothing_more(input_viewer: InputViewer) -> None:
    input_viewer.feed(key("ShiftLeft", True), button(0, True))
    await settle()
    input_viewer.feed(key("KeyA", True))
    await input_viewer.channel.close()
    await settle()
    assert input_viewer.display.calls == [
        ("key down", SHIFT),
        ("button down", 0),
        ("button up", 0),
        ("key up", SHIFT),
    ]
    input_viewer.feed(key("KeyB", True), b"")
    await input_viewer.channel.close()
    assert len(input_viewer.display.calls) == 4
    assert input_viewer.faults == []


async def test_close_lifts_the_key_whose_press_is_under_way(input_viewer: InputViewer) -> None:
    input_viewer.display.gate.clear()
    input_viewer.feed(key("KeyA", True))
    await settle()
    await input_viewer.channel.close()
    input_viewer.display.gate.set()
    await settle()
    assert input_viewer.display.calls == [("key down", A), ("key up", A)]


async def test_close_does_not_wait_for_a_qemu_that_hangs(input_viewer: InputViewer) -> None:
    input_viewer.feed(key("ShiftLeft", True), key("KeyA", True))
    await settle()
    input_viewer.display.gate.clear()
    input_viewer.feed(button(0, True))
    await settle()
    await input_viewer.channel.close()
    input_viewer.display.gate.set()
    await settle()
    assert input_viewer.display.calls[2:] == [
        ("button down", 0),
        ("button up", 0),
        ("key up", A),
        ("key up", SHIFT),
    ]


async def test_malformed_message_is_reported_once_and_releases_what_is_held(
    input_viewer: InputViewer,
) -> None:
    input_viewer.feed(key("KeyA", True))
    await settle()
    input_viewer.feed(b"\x99", b"\x98", key("KeyB", True))
    await settle()
    assert [type(fault) for fault in input_viewer.faults] == [ViewerProtocolError]
    assert input_viewer.display.calls == [("key down", A), ("key up", A)]


async def test_silent_viewer_is_reported_and_its_keys_released() -> None:
    clock = Clock()
    viewer = InputViewer()
    await clock.advance(60)
    viewer.feed(key("KeyA", True))
    await clock.advance(SILENT_AFTER_S - 0.1)
    assert viewer.faults == []
    await clock.advance(0.1)
    assert "PING" in str(viewer.faults[0])
    assert viewer.display.calls == [("key down", A), ("key up", A)]
    await clock.advance(60)
    assert len(viewer.faults) == 1
    await viewer.channel.close()


async def test_viewer_that_may_be_silent_is_reported_only_while_it_holds_something() -> None:
    clock = Clock()
    viewer = InputViewer()
    viewer.channel.may_be_silent = lambda: True
    viewer.feed(PING)
    for _ in range(60):
        await clock.advance(1)
    assert viewer.faults == []
    viewer.feed(key("KeyA", True))
    for _ in range(int(SILENT_AFTER_S) * 2):
        await clock.advance(1)
    assert len(viewer.faults) == 1
    assert viewer.display.calls == [("key down", A), ("key up", A)]
    await viewer.channel.close()


async def test_viewer_that_only_pings_is_not_silent() -> None:
    clock = Clock()
    viewer = InputViewer()
    for _ in range(30):
        viewer.feed(PING)
        await clock.advance(1)
    assert viewer.faults == []
    assert viewer.pongs == [42] * 30
    # One second has passed since the last. Not in one step, which would be a process that stood still.
    for _ in range(int(SILENT_AFTER_S) - 1):
        assert viewer.faults == []
        await clock.advance(1)
    assert len(viewer.faults) == 1
    await viewer.channel.close()


async def test_process_that_stood_still_does_not_take_its_viewer_for_silent() -> None:
    clock = Clock()
    viewer = InputViewer()
    viewer.feed(PING)
    await clock.advance(30)
    assert viewer.faults == []
    await clock.advance(SILENT_AFTER_S)
    assert len(viewer.faults) == 1
    await viewer.channel.close()


async def test_closed_channel_is_not_reported_as_silent() -> None:
    clock = Clock()
    viewer = InputViewer()
    viewer.feed(PING)
    await viewer.channel.close()
    await clock.advance(SILENT_AFTER_S)
    assert viewer.faults == []


async def test_flood_is_reported() -> None:
    clock = Clock()
    viewer = InputViewer()
    viewer.feed(*[PING] * 2000)
    await clock.advance(1)
    viewer.feed(*[PING] * 2000)
    assert viewer.faults == []
    viewer.feed(PING)
    assert "2000" in str(viewer.faults[0])
    assert len(viewer.pongs) == 4000
    await viewer.channel.close()


async def test_defect_while_sending_is_reported_and_releases_what_is_held(input_viewer: InputViewer) -> None:
    defects: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: defects.append(context["exception"])
    )
    error = ZeroDivisionError("a defect")
    input_viewer.display.refuse = lambda call: error if call == ("key down", B) else None
    input_viewer.feed(key("KeyA", True), key("KeyB", True))
    await settle()
    assert [type(fault) for fault in input_viewer.faults] == [WorkerError]
    assert defects == [error]
    assert input_viewer.display.calls == [("key down", A), ("key down", B), ("key up", B), ("key up", A)]


async def test_input_that_is_cancelled_from_outside_is_reported(input_viewer: InputViewer) -> None:
    """Otherwise its viewer would go on, and none of its keys would arrive."""
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    (sender,) = (task for task in asyncio.all_tasks() if task.get_name() == "input")
    input_viewer.feed(key("KeyA", True))
    await settle()
    sender.cancel()
    await settle()
    assert [type(fault) for fault in input_viewer.faults] == [WorkerError]
    assert input_viewer.display.calls == [("key down", A), ("key up", A)]
