import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from libvirt_webrtc.errors import (
    DisplayClosed,
    DisplayError,
    InputRejected,
    LibvirtWebRTCError,
    ViewerProtocolError,
    WorkerError,
)
from libvirt_webrtc.input.messages import Resize
from libvirt_webrtc.worker import input_channel
from libvirt_webrtc.worker.input_channel import InputChannel

A, B, SHIFT = 0x1E, 0x30, 0x2A
RELEASE_ALL = b"\x06"
PING = b"\x07\x00\x00\x00\x2a"
WATCH = b"\x09\x01"
RESIZE = b"\x0a\x05\x00\x02\xd0\x00\x00\x00\x00"

Call = tuple[str, int] | tuple[str, int, int]


class Qemu:
    """A display that notes its calls; it answers each a little later, or when ``gate`` opens."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = 0
        self.most_under_way = 0
        self.refuse: Callable[[Call], Exception | None] = lambda call: None
        self.keyboard = FakeKeyboard(self)
        self.mouse = FakeMouse(self)

    async def take(self, call: Call) -> None:
        self.calls.append(call)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(0)
            await self.gate.wait()
        finally:
            self.under_way -= 1
        error = self.refuse(call)
        if error is not None:
            raise error


class FakeKeyboard:
    def __init__(self, qemu: Qemu) -> None:
        self.qemu = qemu

    async def press(self, qnum: int) -> None:
        await self.qemu.take(("key down", qnum))

    async def release(self, qnum: int) -> None:
        await self.qemu.take(("key up", qnum))


class FakeMouse:
    def __init__(self, qemu: Qemu) -> None:
        self.qemu = qemu
        self.is_absolute = True

    async def press(self, button: int) -> None:
        await self.qemu.take(("button down", button))

    async def release(self, button: int) -> None:
        await self.qemu.take(("button up", button))

    async def set_abs_position(self, x: int, y: int) -> None:
        await self.qemu.take(("to", x, y))

    async def rel_motion(self, dx: int, dy: int) -> None:
        await self.qemu.take(("by", dx, dy))


class ViewerClient:
    """A channel to a fake display, and what the channel reported."""

    def __init__(self, *, may_control: bool = True) -> None:
        self.qemu = Qemu()
        self.faults: list[LibvirtWebRTCError] = []
        self.pongs: list[int] = []
        self.watches: list[bool] = []
        self.sizes: list[Resize] = []
        self.channel = InputChannel(
            self.qemu.keyboard,
            self.qemu.mouse,
            may_control=may_control,
            on_fault=self.faults.append,
            on_pong=self.pongs.append,
            on_watch=self.watches.append,
            on_resize=self.sizes.append,
        )

    def feed(self, *messages: bytes) -> None:
        for message in messages:
            self.channel.feed(message)


class Clock:
    """The loop's own time, stopped; timers fire as it is moved on."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time()
        self._loop.time = lambda: self._now  # type: ignore[method-assign]

    async def advance(self, seconds: float) -> None:
        self._now += seconds
        await settle()


async def settle(turns: int = 100) -> None:
    """Let everything run that can run without time passing."""
    for _ in range(turns):
        await asyncio.sleep(0)


def key(code: str, down: bool) -> bytes:
    return bytes([0x01, down]) + code.encode()


def button(number: int, down: bool) -> bytes:
    return bytes([0x04, number, down])


def move_to(x: int, y: int) -> bytes:
    return b"\x02" + x.to_bytes(2) + y.to_bytes(2)


def move_by(dx: int, dy: int) -> bytes:
    return b"\x03" + dx.to_bytes(2, signed=True) + dy.to_bytes(2, signed=True)


def wheel(dx: int, dy: int) -> bytes:
    return b"\x05" + dx.to_bytes(1, signed=True) + dy.to_bytes(1, signed=True)


@pytest_asyncio.fixture
async def viewer() -> AsyncIterator[ViewerClient]:
    viewer = ViewerClient()
    yield viewer
    viewer.qemu.gate.set()
    await viewer.channel.close()


async def test_messages_reach_qemu_in_order_with_its_own_numbers(viewer: ViewerClient) -> None:
    viewer.feed(
        key("ShiftLeft", True), move_to(10, 20), button(0, True), button(0, False), key("ShiftLeft", False)
    )
    viewer.feed(button(3, True), button(3, False), button(4, True), button(4, False), button(2, True))
    await settle()
    assert viewer.qemu.calls == [
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


async def test_burst_of_500_keys_arrives_whole_and_one_by_one(viewer: ViewerClient) -> None:
    for _ in range(500):
        viewer.feed(key("KeyA", True), key("KeyA", False))
    await settle(5000)
    assert viewer.qemu.calls == [("key down", A), ("key up", A)] * 500
    assert viewer.qemu.most_under_way == 1


async def test_moves_are_merged_while_qemu_is_busy_and_the_last_one_is_sent(viewer: ViewerClient) -> None:
    viewer.qemu.gate.clear()
    viewer.feed(key("KeyA", True))
    await settle()
    viewer.feed(*(move_to(x, 2 * x) for x in range(100)))
    viewer.qemu.gate.set()
    await settle()
    assert viewer.qemu.calls == [("key down", A), ("to", 99, 198)]


async def test_moves_are_not_merged_across_buttons_keys_and_the_wheel(viewer: ViewerClient) -> None:
    viewer.feed(move_to(1, 1), move_to(2, 2), button(0, True), move_to(3, 3), move_to(4, 4), button(0, False))
    viewer.feed(move_to(5, 5), key("KeyB", True), move_to(6, 6), wheel(0, 1), move_to(7, 7), move_to(8, 8))
    await settle()
    assert viewer.qemu.calls == [
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


async def test_relative_motion_is_summed_up(viewer: ViewerClient) -> None:
    viewer.qemu.mouse.is_absolute = False
    viewer.feed(*[move_by(300, -2)] * 3, button(1, True), move_by(-1, -1))
    await settle()
    assert viewer.qemu.calls == [("by", 900, -6), ("button down", 1), ("by", -1, -1)]


async def test_relative_motion_is_summed_up_no_further_than_one_call_takes(viewer: ViewerClient) -> None:
    viewer.qemu.mouse.is_absolute = False
    viewer.feed(move_by(30000, 0), move_by(2767, 0), move_by(1, 0), move_by(0, -32768))
    await settle()
    assert viewer.qemu.calls == [("by", 32767, 0), ("by", 1, 0), ("by", 0, -32768)]


async def test_motion_that_does_not_fit_the_pointer_is_not_sent(viewer: ViewerClient) -> None:
    viewer.feed(move_by(1, 1))
    await settle()
    viewer.qemu.mouse.is_absolute = False
    viewer.feed(move_to(1, 1))
    await settle()
    assert viewer.qemu.calls == []
    assert viewer.channel.sink.rejected == 2


async def test_wheel_steps_are_presses_of_qemus_wheel_buttons(viewer: ViewerClient) -> None:
    viewer.feed(wheel(5, 2), wheel(0, -1), wheel(-3, 0))
    await settle()
    await settle()
    assert viewer.qemu.calls == [
        ("button down", 4),
        ("button up", 4),
        ("button down", 4),
        ("button up", 4),
        ("button down", 3),
        ("button up", 3),
    ]


async def test_key_that_repeats_is_pressed_again_and_released_once(viewer: ViewerClient) -> None:
    viewer.feed(key("KeyA", True), key("KeyA", True), key("KeyA", False), key("KeyA", False))
    await settle()
    assert viewer.qemu.calls == [("key down", A), ("key down", A), ("key up", A)]


async def test_release_of_what_is_not_held_is_not_sent(viewer: ViewerClient) -> None:
    viewer.feed(key("KeyA", False), button(0, False))
    await settle()
    assert viewer.qemu.calls == []


async def test_unknown_codes_and_buttons_are_counted_and_harmless(viewer: ViewerClient) -> None:
    viewer.feed(key("Unidentified", True), key("NoSuchKey", False), button(5, True), button(255, False))
    viewer.feed(key("KeyA", True))
    await settle()
    assert viewer.qemu.calls == [("key down", A)]
    assert viewer.channel.sink.unknown == 4
    assert viewer.faults == []


async def test_release_all_lifts_buttons_then_keys_last_pressed_first(viewer: ViewerClient) -> None:
    viewer.feed(key("ShiftLeft", True), key("KeyA", True), button(0, True), button(2, True), RELEASE_ALL)
    await settle()
    assert viewer.qemu.calls[4:] == [("button up", 2), ("button up", 0), ("key up", A), ("key up", SHIFT)]
    viewer.feed(RELEASE_ALL, key("KeyA", False))
    await settle()
    assert len(viewer.qemu.calls) == 8


async def test_close_releases_what_is_held_and_sends_nothing_more(viewer: ViewerClient) -> None:
    viewer.feed(key("ShiftLeft", True), button(0, True))
    await settle()
    viewer.feed(key("KeyA", True))
    await viewer.channel.close()
    assert viewer.qemu.calls == [
        ("key down", SHIFT),
        ("button down", 0),
        ("button up", 0),
        ("key up", SHIFT),
    ]
    viewer.feed(key("KeyB", True), b"")
    await viewer.channel.close()
    assert len(viewer.qemu.calls) == 4
    assert viewer.faults == []


async def test_close_waits_for_the_call_under_way_and_lifts_its_key(viewer: ViewerClient) -> None:
    viewer.qemu.gate.clear()
    viewer.feed(key("KeyA", True))
    await settle()
    closing = asyncio.create_task(viewer.channel.close())
    await settle()
    assert not closing.done()
    viewer.qemu.gate.set()
    await closing
    assert viewer.qemu.calls == [("key down", A), ("key up", A)]


async def test_close_returns_where_qemu_hangs_and_keys_are_lifted_when_it_goes_on(
    viewer: ViewerClient,
) -> None:
    viewer.feed(key("ShiftLeft", True), key("KeyA", True))
    await settle()
    clock = Clock()
    viewer.qemu.gate.clear()
    viewer.feed(button(0, True))
    await settle()
    closing = asyncio.create_task(viewer.channel.close())
    await settle()
    await clock.advance(input_channel.CLOSE_S)
    assert closing.done()
    viewer.qemu.gate.set()
    await settle()
    assert viewer.qemu.calls[2:] == [
        ("button down", 0),
        ("button up", 0),
        ("key up", A),
        ("key up", SHIFT),
    ]


async def test_close_that_is_cancelled_still_releases(viewer: ViewerClient) -> None:
    viewer.feed(key("KeyA", True))
    await settle()
    viewer.qemu.gate.clear()
    closing = asyncio.create_task(viewer.channel.close())
    await settle()
    closing.cancel()
    viewer.qemu.gate.set()
    await settle()
    assert closing.cancelled()
    assert viewer.qemu.calls == [("key down", A), ("key up", A)]


async def test_malformed_message_is_reported_once_and_releases_what_is_held(viewer: ViewerClient) -> None:
    viewer.feed(key("KeyA", True))
    await settle()
    viewer.feed(b"\x99", b"\x98", key("KeyB", True))
    await settle()
    assert [type(fault) for fault in viewer.faults] == [ViewerProtocolError]
    assert viewer.qemu.calls == [("key down", A), ("key up", A)]


async def test_silent_viewer_is_reported_and_its_keys_released() -> None:
    clock = Clock()
    viewer = ViewerClient()
    await clock.advance(60)
    viewer.feed(key("KeyA", True))
    await clock.advance(4.9)
    assert viewer.faults == []
    await clock.advance(0.1)
    assert "PING" in str(viewer.faults[0])
    assert viewer.qemu.calls == [("key down", A), ("key up", A)]
    await clock.advance(60)
    assert len(viewer.faults) == 1
    await viewer.channel.close()


async def test_viewer_that_only_pings_is_not_silent() -> None:
    clock = Clock()
    viewer = ViewerClient()
    for _ in range(30):
        viewer.feed(PING)
        await clock.advance(1)
    assert viewer.faults == []
    assert viewer.pongs == [42] * 30
    await clock.advance(4)
    assert len(viewer.faults) == 1
    await viewer.channel.close()


async def test_process_that_stood_still_does_not_take_its_viewer_for_silent() -> None:
    clock = Clock()
    viewer = ViewerClient()
    viewer.feed(PING)
    await clock.advance(30)
    assert viewer.faults == []
    await clock.advance(5)
    assert len(viewer.faults) == 1
    await viewer.channel.close()


async def test_closed_channel_is_not_reported_as_silent() -> None:
    clock = Clock()
    viewer = ViewerClient()
    viewer.feed(PING)
    await viewer.channel.close()
    await clock.advance(5)
    assert viewer.faults == []


async def test_flood_is_reported() -> None:
    clock = Clock()
    viewer = ViewerClient()
    viewer.feed(*[PING] * 2000)
    await clock.advance(1)
    viewer.feed(*[PING] * 2000)
    assert viewer.faults == []
    viewer.feed(PING)
    assert "2000" in str(viewer.faults[0])
    assert len(viewer.pongs) == 4000
    await viewer.channel.close()


async def test_queue_that_qemu_does_not_take_is_thrown_away_and_nothing_stays_down() -> None:
    clock = Clock()
    viewer = ViewerClient()
    viewer.feed(key("KeyA", True))
    await settle()
    viewer.qemu.gate.clear()
    viewer.feed(button(0, True))
    await settle()
    for _ in range(input_channel.MAX_QUEUED // 1000):
        viewer.feed(*[key("KeyB", True)] * 1000)
        await clock.advance(1)
    assert viewer.channel.dropped == 0
    viewer.feed(key("KeyB", True), key("ShiftLeft", True))
    viewer.qemu.gate.set()
    await settle()
    assert viewer.channel.dropped == input_channel.MAX_QUEUED + 1
    assert viewer.qemu.calls == [
        ("key down", A),
        ("button down", 0),
        ("button up", 0),
        ("key up", A),
        ("key down", SHIFT),
    ]
    assert viewer.faults == []
    await viewer.channel.close()


async def test_refused_key_is_counted_and_not_held(viewer: ViewerClient) -> None:
    viewer.qemu.refuse = lambda call: InputRejected("no") if call == ("key down", A) else None
    viewer.feed(key("KeyA", True), key("KeyB", True), key("KeyA", False), RELEASE_ALL)
    await settle()
    assert viewer.qemu.calls == [("key down", A), ("key down", B), ("key up", B)]
    assert viewer.channel.sink.rejected == 1
    assert viewer.faults == []


@pytest.mark.parametrize("error", [DisplayClosed("gone"), DisplayError("broken")])
async def test_ended_display_gets_nothing_more_and_is_not_the_viewers_fault(
    viewer: ViewerClient, error: DisplayError
) -> None:
    viewer.qemu.refuse = lambda call: error
    viewer.feed(key("KeyA", True), key("KeyB", True), move_to(1, 1), RELEASE_ALL)
    await settle()
    viewer.feed(button(0, True), PING)
    await settle()
    assert viewer.qemu.calls == [("key down", A)]
    assert viewer.faults == []
    assert viewer.pongs == [42]


async def test_new_display_lifts_what_was_held_and_gets_nothing_that_waited(viewer: ViewerClient) -> None:
    viewer.qemu.gate.clear()
    viewer.qemu.refuse = lambda call: DisplayClosed("gone")
    viewer.feed(key("KeyA", True), key("KeyB", True))
    await settle()
    viewer.channel.set_display(None, None)
    viewer.feed(key("KeyB", True))
    new = Qemu()
    viewer.channel.set_display(new.keyboard, new.mouse)
    # The old display's end is noticed only now, and must not take the new one away.
    viewer.qemu.gate.set()
    await settle()
    viewer.feed(key("KeyA", False), key("ShiftLeft", True))
    await settle()
    assert viewer.qemu.calls == [("key down", A)]
    assert new.calls == [("key up", A), ("key down", SHIFT)]


async def test_viewer_without_a_display_is_answered_its_pings(viewer: ViewerClient) -> None:
    viewer.channel.set_display(None, None)
    viewer.feed(key("KeyA", True), move_to(1, 1), wheel(0, 1), RELEASE_ALL, PING)
    await settle()
    assert viewer.qemu.calls == []
    assert viewer.pongs == [42]
    assert viewer.faults == []


async def test_viewer_that_may_not_control_is_only_answered_its_pings() -> None:
    viewer = ViewerClient(may_control=False)
    viewer.feed(key("KeyA", True), move_to(1, 1), button(0, True), wheel(0, 1), RELEASE_ALL, PING)
    viewer.feed(WATCH, RESIZE)
    await settle()
    assert viewer.qemu.calls == []
    assert (viewer.pongs, viewer.watches, viewer.sizes) == ([42], [True], [])
    viewer.feed(b"\x99")
    assert len(viewer.faults) == 1
    await viewer.channel.close()


async def test_watching_and_sizes_do_not_wait_for_a_slow_guest(viewer: ViewerClient) -> None:
    viewer.qemu.gate.clear()
    viewer.feed(key("KeyA", True), WATCH, RESIZE)
    await settle()
    assert (viewer.watches, viewer.sizes) == ([True], [Resize(1280, 720, 0, 0)])
    viewer.qemu.gate.set()


async def test_defect_while_sending_is_reported_and_releases_what_is_held(viewer: ViewerClient) -> None:
    defects: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, context: defects.append(context["exception"])
    )
    error = ZeroDivisionError("a defect")
    viewer.qemu.refuse = lambda call: error if call == ("key down", B) else None
    viewer.feed(key("KeyA", True), key("KeyB", True))
    await settle()
    assert [type(fault) for fault in viewer.faults] == [WorkerError]
    assert defects == [error]
    assert viewer.qemu.calls == [("key down", A), ("key down", B), ("key up", B), ("key up", A)]
