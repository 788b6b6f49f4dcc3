"""Carries out one viewer's messages on QEMU's keyboard and mouse, and knows what the viewer holds down.

What is held is lifted however the viewer ends. QEMU itself would leave a key down, and the guest would repeat it for
ever.
"""

from collections.abc import Coroutine
from typing import Any, Protocol

from libvirt_webrtc.errors import DisplayError, InputRejected
from libvirt_webrtc.input.keymap import QNUM_BY_CODE
from libvirt_webrtc.input.messages import (
    ButtonEvent,
    InputMessage,
    KeyEvent,
    MoveBy,
    MoveTo,
    ReleaseAll,
    Wheel,
)

# QEMU's InputButton. It takes 7 and 8 (wheel left and right) from 10.2 only, and checks no range before that,
# so the wheel's horizontal steps are not sent.
WHEEL_UP = 3
WHEEL_DOWN = 4
QEMU_BUTTONS = {0: 0, 1: 1, 2: 2, 3: 5, 4: 6}
"""``MouseEvent.button`` (left, middle, right, back, forward) to InputButton, where 3 and 4 mean the wheel."""


class GuestKeyboard(Protocol):
    """A console's keyboard. Each call returns with QEMU's reply, or raises a DisplayError."""

    async def press(self, qnum: int) -> None: ...

    async def release(self, qnum: int) -> None: ...


class GuestMouse(Protocol):
    """A console's mouse. Each call returns with QEMU's reply, or raises a DisplayError."""

    @property
    def is_absolute(self) -> bool: ...

    async def press(self, button: int) -> None: ...

    async def release(self, button: int) -> None: ...

    async def set_abs_position(self, x: int, y: int) -> None: ...

    async def rel_motion(self, dx: int, dy: int) -> None: ...


class InputSink:
    """Carries out one viewer's messages on one display, or drops them while there is none.

    Only one task may call :meth:`send`: one message at a time.

    Attributes:
        unknown: keys and buttons that QEMU has no number for.
        rejected: what QEMU refused, and pointer motion of the kind that the guest does not take.
    """

    def __init__(self, keyboard: GuestKeyboard | None, mouse: GuestMouse | None) -> None:
        self.unknown = 0
        self.rejected = 0
        self._keyboard = keyboard
        self._mouse = mouse
        # Dictionaries, because they keep the order: what was pressed last is released first.
        self._held_keys: dict[int, None] = {}
        self._held_buttons: dict[int, None] = {}

    def set_display(self, keyboard: GuestKeyboard | None, mouse: GuestMouse | None) -> None:
        """Use this display from now on. What was held counts as held: it is the same guest, whose keys are down."""
        self._keyboard = keyboard
        self._mouse = mouse

    async def send(self, message: InputMessage) -> None:
        """Carry out one message and wait for QEMU's replies, however long they take.

        Raises no DisplayError: what QEMU refuses is counted, and a display that has ended is not used any more.
        """
        keyboard, mouse = self._keyboard, self._mouse
        try:
            match message:
                case KeyEvent() if keyboard is not None:
                    await self._key(keyboard, message)
                case ButtonEvent() if mouse is not None:
                    await self._button(mouse, message)
                case MoveTo() | MoveBy() if mouse is not None:
                    await self._move(mouse, message)
                case Wheel(dy=dy) if mouse is not None:
                    step = WHEEL_DOWN if dy > 0 else WHEEL_UP
                    for _ in range(abs(dy)):
                        await mouse.press(step)
                        await mouse.release(step)
                case ReleaseAll():
                    await self.release_held()
        except InputRejected:
            self.rejected += 1
        except DisplayError:
            self._display_ended(keyboard)

    async def release_held(self) -> None:
        """Lift everything: buttons before keys, so that a drag ends with the modifiers it began with."""
        while self._held_buttons and self._mouse is not None:
            button, _ = self._held_buttons.popitem()
            await self._lift(self._mouse.release(button))
        while self._held_keys and self._keyboard is not None:
            qnum, _ = self._held_keys.popitem()
            await self._lift(self._keyboard.release(qnum))

    async def _key(self, keyboard: GuestKeyboard, event: KeyEvent) -> None:
        qnum = QNUM_BY_CODE.get(event.code)
        if qnum is None:
            self.unknown += 1
        elif event.down:
            # It counts as held before QEMU has answered: whatever goes wrong meanwhile, QEMU may have taken the key. A
            # key that repeats is pressed again, which is how QEMU's keyboard repeats.
            self._held_keys[qnum] = None
            try:
                await keyboard.press(qnum)
            except InputRejected:
                self._held_keys.pop(qnum, None)
                raise
        elif qnum in self._held_keys:
            # Only what this viewer pressed: the release of a key that went down before the page had the focus must not
            # lift a key of another viewer.
            del self._held_keys[qnum]
            await keyboard.release(qnum)

    async def _button(self, mouse: GuestMouse, event: ButtonEvent) -> None:
        button = QEMU_BUTTONS.get(event.button)
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

    async def _move(self, mouse: GuestMouse, motion: MoveTo | MoveBy) -> None:
        # QEMU refuses the kind of motion that does not fit the guest's pointer. The viewer learns of a change
        # of that pointer later than we do, so what does not fit is nobody's fault.
        if isinstance(motion, MoveTo) and mouse.is_absolute:
            await mouse.set_abs_position(motion.x, motion.y)
        elif isinstance(motion, MoveBy) and not mouse.is_absolute:
            await mouse.rel_motion(motion.dx, motion.dy)
        else:
            self.rejected += 1

    async def _lift(self, release: Coroutine[Any, Any, None]) -> None:
        """One release; where it is refused, the others still follow."""
        keyboard = self._keyboard
        try:
            await release
        except InputRejected:
            self.rejected += 1
        except DisplayError:
            self._display_ended(keyboard)

    def _display_ended(self, keyboard: GuestKeyboard | None) -> None:
        """Use no display, unless another one was set meanwhile; whoever owns the display sets the next one."""
        if self._keyboard is keyboard:
            self.set_display(None, None)
