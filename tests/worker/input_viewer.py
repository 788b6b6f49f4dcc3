"""A viewer's input channel to a display without QEMU, and the messages that it takes."""

import asyncio
from collections.abc import Callable

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.errors import LibvirtWebRTCError
from libvirt_webrtc.input.messages import Resize
from libvirt_webrtc.worker.console_input import ConsoleInput
from libvirt_webrtc.worker.input_channel import InputChannel

A, B, SHIFT = 0x1E, 0x30, 0x2A
RELEASE_ALL = b"\x06"
PING = b"\x07\x00\x00\x00\x2a"
WATCH = b"\x09\x01"
RESIZE = b"\x0a\x05\x00\x02\xd0\x00\x00\x00\x00"

Call = tuple[str, int] | tuple[str, int, int]


class FakeDisplay:
    """A display that notes its calls; it answers each a little later, or when ``gate`` opens."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.posted: list[Call] = []
        """What came without waiting for an answer."""
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
    def __init__(self, display: FakeDisplay) -> None:
        self.display = display

    async def press(self, qnum: int) -> None:
        await self.display.take(("key down", qnum))

    async def release(self, qnum: int) -> None:
        await self.display.take(("key up", qnum))

    def post_release(self, qnum: int) -> None:
        self.display.posted.append(("key up", qnum))


class FakeMouse:
    def __init__(self, display: FakeDisplay) -> None:
        self.display = display
        self.is_absolute = True

    async def press(self, button: int) -> None:
        await self.display.take(("button down", button))

    async def release(self, button: int) -> None:
        await self.display.take(("button up", button))

    def post_release(self, button: int) -> None:
        self.display.posted.append(("button up", button))

    async def set_abs_position(self, x: int, y: int) -> None:
        await self.display.take(("to", x, y))

    async def rel_motion(self, dx: int, dy: int) -> None:
        await self.display.take(("by", dx, dy))


class InputViewer:
    """A channel to a fake display, and what the channel reported; ``beside`` shares another viewer's console."""

    def __init__(self, *, role: Role = Role.CONTROL, beside: "InputViewer | None" = None) -> None:
        self.display: FakeDisplay = FakeDisplay() if beside is None else beside.display
        self.input: ConsoleInput = ConsoleInput() if beside is None else beside.input
        if beside is None:
            self.attach(self.display)
        self.faults: list[LibvirtWebRTCError] = []
        self.pongs: list[int] = []
        self.watches: list[bool] = []
        self.sizes: list[Resize] = []
        self.channel = InputChannel(
            self.input,
            role,
            on_fault=self.faults.append,
            on_pong=self.pongs.append,
            on_watch=self.watches.append,
            on_resize=self.sizes.append,
        )

    def attach(self, display: FakeDisplay) -> None:
        """As a console does when its display is there (again)."""
        self.input.attach(display.keyboard, display.mouse)

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
