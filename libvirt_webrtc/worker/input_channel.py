"""One viewer's input: from the messages of its data channel to QEMU's keyboard and mouse.

A message is parsed at once and queued; one task sends the queue to QEMU, one call after the other. It waits for each
reply, because QEMU's PS/2 keyboard loses keys that come faster than the guest takes them (of 40 pairs sent without
waiting 17 presses arrived, and 40 when each reply was awaited). So a slow guest makes the queue grow, which is why
pointer motion is merged in it, and why it has an end.

What the viewer holds down is kept here, and lifted whatever way the viewer goes: by RELEASE_ALL, when it falls silent or
breaks the protocol, and in ``close()``. QEMU itself would leave the key down, and the guest would repeat it for ever.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from libvirt_webrtc.errors import (
    DisplayError,
    DisplayProtocolError,
    InputRejected,
    LibvirtWebRTCError,
    WorkerError,
)
from libvirt_webrtc.input.keymap import QNUM_BY_CODE
from libvirt_webrtc.input.messages import (
    ButtonEvent,
    InputMessage,
    KeyEvent,
    MoveBy,
    MoveTo,
    Ping,
    ReleaseAll,
    Wheel,
    parse,
)

SILENT_AFTER_S = 5.0
"""A viewer pings every second; one that is silent for this long is gone, and must not hold keys."""

LATE_S = 1.0
"""A timer that fires this much too late tells that this process stood still, not that the viewer did."""

MAX_MESSAGES_PER_S = 2000

MAX_QUEUED = 2 * MAX_MESSAGES_PER_S
"""Two seconds of the fastest viewer that is allowed."""

CLOSE_S = 2.0
RELEASE_S = 1.0
"""How long ``close()`` waits for QEMU's reply to what is under way, and to each release then."""

# QEMU's InputButton. It takes 7 and 8 (wheel left and right) from 10.2 only, and checks no range before that, so the
# wheel's horizontal steps are not sent.
_WHEEL_UP = 3
_WHEEL_DOWN = 4
_QEMU_BUTTONS = {0: 0, 1: 1, 2: 2, 3: 5, 4: 6}
"""``MouseEvent.button`` (left, middle, right, back, forward) to InputButton: 3 and 4 mean the wheel there."""


class Keyboard(Protocol):
    """A console's keyboard. Each call returns with QEMU's reply, or raises a DisplayError."""

    async def press(self, qnum: int) -> None: ...

    async def release(self, qnum: int) -> None: ...


class Mouse(Protocol):
    """A console's mouse. Each call returns with QEMU's reply, or raises a DisplayError."""

    @property
    def is_absolute(self) -> bool: ...

    async def press(self, button: int) -> None: ...

    async def release(self, button: int) -> None: ...

    async def set_abs_position(self, x: int, y: int) -> None: ...

    async def rel_motion(self, dx: int, dy: int) -> None: ...


class InputChannel:
    """One viewer's input to one console; made inside the running loop, ended by ``close()``.

    ``on_fault`` is called at most once, with the reason why this viewer should be disconnected; nothing more is taken
    from it then, and what it held is released. ``on_pong`` is called with each PING's value. A viewer that
    may not control the console is only answered its PINGs.
    """

    def __init__(
        self,
        keyboard: Keyboard | None,
        mouse: Mouse | None,
        *,
        may_control: bool = True,
        on_fault: Callable[[LibvirtWebRTCError], None] | None = None,
        on_pong: Callable[[int], None] | None = None,
    ) -> None:
        self.on_fault = on_fault
        self.on_pong = on_pong
        self.unknown = 0
        """Keys and buttons that QEMU has no number for."""
        self.rejected = 0
        """What QEMU refused, and pointer motion of the kind that the guest does not take."""
        self.dropped = 0
        """Messages thrown away because QEMU did not take them for too long."""
        self._keyboard = keyboard
        self._mouse = mouse
        self._may_control = may_control
        self._queue: deque[InputMessage] = deque()
        self._wake = asyncio.Event()
        # Dictionaries, because they keep the order: what was pressed last is released first.
        self._held_keys: dict[int, None] = {}
        self._held_buttons: dict[int, None] = {}
        self._ended = False
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._last_message = 0.0
        self._second_began = 0.0
        self._in_this_second = 0
        self._watchdog: asyncio.TimerHandle | None = None
        self._sender = self._loop.create_task(self._send_queue(), name="input")
        self._sender.add_done_callback(self._sender_ended)

    def feed(self, data: bytes) -> None:
        """Take one message from the viewer; never raises."""
        if self._ended:
            return
        now = self._loop.time()
        self._last_message = now
        if self._watchdog is None:
            self._watch(now + SILENT_AFTER_S)
        if self._too_fast(now):
            self._fault(DisplayProtocolError(f"more than {MAX_MESSAGES_PER_S} input messages in a second"))
            return
        try:
            message = parse(data)
        except DisplayProtocolError as error:
            self._fault(error)
            return
        if isinstance(message, Ping):
            # Answered past the queue: it tells that this process lives, not how fast the guest takes keys.
            if self.on_pong is not None:
                self.on_pong(message.value)
        elif self._may_control and self._keyboard is not None:
            self._enqueue(message)

    def release_all(self) -> None:
        """Lift, in its turn, every key and button that the viewer holds."""
        if not self._closing:
            self._enqueue(ReleaseAll())

    def set_display(self, keyboard: Keyboard | None, mouse: Mouse | None) -> None:
        """Send to this display from now on, or nowhere while there is none.

        What was held and what was queued is forgotten: QEMU lifts all keys when a display's connection is replaced,
        and clicks that waited for the old one may hit something else on the new one.
        """
        self._keyboard = keyboard
        self._mouse = mouse
        self._queue.clear()
        self._held_keys.clear()
        self._held_buttons.clear()

    async def close(self) -> None:
        """Release what is held and end; idempotent. Takes a few seconds at most for each held key if QEMU hangs."""
        self._end()
        self._closing = True
        self._queue.clear()
        self._wake.set()
        # asyncio.wait, because awaiting the task would cancel it where this call is cancelled, and with it the releases.
        _, unfinished = await asyncio.wait({self._sender}, timeout=CLOSE_S)
        if unfinished:
            self._sender.cancel()
            await asyncio.wait({self._sender})

    def _enqueue(self, message: InputMessage) -> None:
        """Append, merging motion into motion that directly precedes it, so that no order changes."""
        last = self._queue[-1] if self._queue else None
        if isinstance(message, MoveTo) and isinstance(last, MoveTo):
            self._queue[-1] = message
        elif isinstance(message, MoveBy) and isinstance(last, MoveBy):
            self._queue[-1] = MoveBy(last.dx + message.dx, last.dy + message.dy)
        elif len(self._queue) >= MAX_QUEUED:
            # QEMU has not kept up for so long that what waits is of no use. All of it goes, since leaving out single
            # messages could leave out a release; with the ReleaseAll nothing stays down.
            self.dropped += len(self._queue) + 1
            self._queue.clear()
            self._queue.append(ReleaseAll())
        else:
            self._queue.append(message)
        self._wake.set()

    async def _send_queue(self) -> None:
        try:
            while not self._closing:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    await self._send(self._queue.popleft())
        finally:
            await self._release_held()

    async def _send(self, message: InputMessage) -> None:
        keyboard, mouse = self._keyboard, self._mouse
        try:
            match message:
                case KeyEvent() if keyboard is not None:
                    await self._send_key(keyboard, message)
                case ButtonEvent() if mouse is not None:
                    await self._send_button(mouse, message)
                case MoveTo(x, y) if mouse is not None:
                    # QEMU refuses the kind of motion that does not fit the guest's pointer. A mode change can overtake
                    # the viewer's messages, so this is nobody's fault.
                    if mouse.is_absolute:
                        await mouse.set_abs_position(x, y)
                    else:
                        self.rejected += 1
                case MoveBy(dx, dy) if mouse is not None:
                    if mouse.is_absolute:
                        self.rejected += 1
                    else:
                        await mouse.rel_motion(dx, dy)
                case Wheel(dy=dy) if mouse is not None:
                    for _ in range(abs(dy)):
                        await mouse.press(_WHEEL_DOWN if dy > 0 else _WHEEL_UP)
                        await mouse.release(_WHEEL_DOWN if dy > 0 else _WHEEL_UP)
                case ReleaseAll():
                    await self._release_held()
        except InputRejected:
            self.rejected += 1
        except DisplayError:
            # The display has ended. Who owns it knows, and sets another; until then there is nobody to send to.
            if self._keyboard is keyboard:
                self.set_display(None, None)

    async def _send_key(self, keyboard: Keyboard, event: KeyEvent) -> None:
        qnum = QNUM_BY_CODE.get(event.code)
        if qnum is None:
            self.unknown += 1
        elif event.down:
            # Held before QEMU has answered: it may have taken the key when this is cancelled. A repeated press is
            # sent again; that is how QEMU's keyboard repeats.
            self._held_keys[qnum] = None
            try:
                await keyboard.press(qnum)
            except InputRejected:
                self._held_keys.pop(qnum, None)
                raise
        elif qnum in self._held_keys:
            # Others' releases, and those of keys pressed before the page had the focus, must not lift another
            # viewer's key.
            del self._held_keys[qnum]
            await keyboard.release(qnum)

    async def _send_button(self, mouse: Mouse, event: ButtonEvent) -> None:
        button = _QEMU_BUTTONS.get(event.button)
        if button is None:
            self.unknown += 1
        elif event.down:
            self._held_buttons[button] = None
            try:
                await mouse.press(button)
            except InputRejected:
                self._held_buttons.pop(button, None)
                raise
        elif button in self._held_buttons:
            del self._held_buttons[button]
            await mouse.release(button)

    async def _release_held(self) -> None:
        """Buttons before keys, so that a drag ends with the modifiers it began with."""
        while self._held_buttons and self._mouse is not None:
            button, _ = self._held_buttons.popitem()
            await self._release(self._mouse.release(button))
        while self._held_keys and self._keyboard is not None:
            qnum, _ = self._held_keys.popitem()
            await self._release(self._keyboard.release(qnum))

    async def _release(self, call: Coroutine[Any, Any, None]) -> None:
        """One release. Where QEMU hangs it is written all the same, and the next one is tried."""
        keyboard = self._keyboard
        try:
            async with asyncio.timeout(RELEASE_S):
                await call
        except TimeoutError:
            pass
        except InputRejected:
            self.rejected += 1
        except DisplayError:
            if self._keyboard is keyboard:
                self.set_display(None, None)

    def _sender_ended(self, sender: asyncio.Task[None]) -> None:
        error = None if sender.cancelled() else sender.exception()
        if error is not None:
            fault = WorkerError(f"sending input failed: {error!r}")
            fault.__cause__ = error
            self._fault(fault)

    def _too_fast(self, now: float) -> bool:
        if now - self._second_began >= 1.0:
            self._second_began = now
            self._in_this_second = 0
        self._in_this_second += 1
        return self._in_this_second > MAX_MESSAGES_PER_S

    def _watch(self, due: float) -> None:
        self._watchdog = self._loop.call_at(due, self._check_silence, due)

    def _check_silence(self, due: float) -> None:
        now = self._loop.time()
        if now - due > LATE_S:
            self._last_message = now
        if now - self._last_message >= SILENT_AFTER_S:
            self._fault(
                DisplayProtocolError(f"no input message, not even a PING, for {SILENT_AFTER_S:.0f} seconds")
            )
        else:
            self._watch(self._last_message + SILENT_AFTER_S)

    def _fault(self, error: LibvirtWebRTCError) -> None:
        if self._ended:
            return
        self._end()
        self._queue.clear()
        self.release_all()
        if self.on_fault is not None:
            self.on_fault(error)

    def _end(self) -> None:
        """Take nothing more from the viewer."""
        self._ended = True
        if self._watchdog is not None:
            self._watchdog.cancel()
