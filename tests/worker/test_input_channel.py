"""The queue between a viewer and QEMU."""

from libvirt_webrtc.input.messages import Resize
from libvirt_webrtc.worker import input_channel
from tests.worker.input_viewer import (
    RESIZE,
    SHIFT,
    WATCH,
    A,
    B,
    Clock,
    InputViewer,
    button,
    key,
    move_by,
    move_to,
    settle,
    wheel,
)


async def test_burst_of_500_keys_arrives_whole_and_one_by_one(input_viewer: InputViewer) -> None:
    for _ in range(500):
        input_viewer.feed(key("KeyA", True), key("KeyA", False))
    await settle(5000)
    assert input_viewer.display.calls == [("key down", A), ("key up", A)] * 500
    assert input_viewer.display.most_under_way == 1


async def test_moves_are_merged_while_qemu_is_busy_and_the_last_one_is_sent(
    input_viewer: InputViewer,
) -> None:
    input_viewer.display.gate.clear()
    input_viewer.feed(key("KeyA", True))
    await settle()
    input_viewer.feed(*(move_to(x, 2 * x) for x in range(100)))
    input_viewer.display.gate.set()
    await settle()
    assert input_viewer.display.calls == [("key down", A), ("to", 99, 198)]


async def test_moves_are_not_merged_across_buttons_keys_and_the_wheel(input_viewer: InputViewer) -> None:
    input_viewer.feed(
        move_to(1, 1), move_to(2, 2), button(0, True), move_to(3, 3), move_to(4, 4), button(0, False)
    )
    input_viewer.feed(
        move_to(5, 5), key("KeyB", True), move_to(6, 6), wheel(0, 1), move_to(7, 7), move_to(8, 8)
    )
    await settle()
    assert input_viewer.display.calls == [
        ("to", 2, 2),
        ("button down", 0),
        ("to", 4, 4),
        ("button up", 0),
        ("to", 5, 5),
        ("key down", B),
        ("to", 6, 6),
        ("button down", 4),
        ("button up", 4),
        ("to", 8, 8),
    ]


async def test_relative_motion_is_summed_up(input_viewer: InputViewer) -> None:
    input_viewer.display.mouse.is_absolute = False
    input_viewer.feed(*[move_by(300, -2)] * 3, button(1, True), move_by(-1, -1))
    await settle()
    assert input_viewer.display.calls == [("by", 900, -6), ("button down", 1), ("by", -1, -1)]


async def test_relative_motion_is_summed_up_no_further_than_one_call_takes(input_viewer: InputViewer) -> None:
    input_viewer.display.mouse.is_absolute = False
    input_viewer.feed(move_by(30000, 0), move_by(2767, 0), move_by(1, 0), move_by(0, -32768))
    await settle()
    assert input_viewer.display.calls == [("by", 32767, 0), ("by", 1, 0), ("by", 0, -32768)]


async def test_queue_that_qemu_does_not_take_is_thrown_away_and_nothing_stays_down() -> None:
    clock = Clock()
    viewer = InputViewer()
    viewer.feed(key("KeyA", True))
    await settle()
    viewer.display.gate.clear()
    viewer.feed(button(0, True))
    await settle()
    for _ in range(input_channel.MAX_QUEUED // 1000):
        viewer.feed(*[key("KeyB", True)] * 1000)
        await clock.advance(1)
    assert viewer.channel.dropped == 0
    viewer.feed(key("KeyB", True), key("ShiftLeft", True))
    viewer.display.gate.set()
    await settle()
    assert viewer.channel.dropped == input_channel.MAX_QUEUED + 1
    assert viewer.display.calls == [
        ("key down", A),
        ("button down", 0),
        ("button up", 0),
        ("key up", A),
        ("key down", SHIFT),
    ]
    assert viewer.faults == []
    await viewer.channel.close()


async def test_watching_and_sizes_do_not_wait_for_a_slow_guest(input_viewer: InputViewer) -> None:
    input_viewer.display.gate.clear()
    input_viewer.feed(key("KeyA", True), WATCH, RESIZE)
    await settle()
    assert (input_viewer.watches, input_viewer.sizes) == ([True], [Resize(1280, 720, 0, 0)])
    input_viewer.display.gate.set()
