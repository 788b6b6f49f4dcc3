"""What is held down at one console's keyboard and mouse, and who holds it.

It belongs to the console, not to a viewer: two viewers may hold one Shift, and a viewer may leave while there is no
display to lift its keys at. QEMU itself would leave a key down, and the guest would repeat it for ever.
"""

import asyncio
import logging
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple, Protocol

from libvirt_webrtc.agent import limits
from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.errors import DisplayError, InputRejected
from libvirt_webrtc.input.keymap import QNUM_BY_CODE

log = logging.getLogger(__name__)

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

    def post_release(self, qnum: int) -> None:
        """Send a release, ahead of what waits for its turn, and do not wait for QEMU."""
        ...


class GuestMouse(Protocol):
    """A console's mouse. Each call returns with QEMU's reply, or raises a DisplayError."""

    @property
    def is_absolute(self) -> bool: ...

    async def press(self, button: int) -> None: ...

    async def release(self, button: int) -> None: ...

    def post_release(self, button: int) -> None:
        """Send a release, and do not wait for QEMU."""
        ...

    async def set_abs_position(self, x: int, y: int) -> None: ...

    async def rel_motion(self, dx: int, dy: int) -> None: ...


class InputDevice(Enum):
    """What a control is part of."""

    KEYBOARD = "keyboard"
    MOUSE = "mouse"


class Control(NamedTuple):
    """Something that can be held down."""

    device: InputDevice
    number: int
    """QEMU's: a qnum, or an InputButton."""


class ConsoleInput:
    """One console's keyboard and mouse, for all its viewers; drops what comes while there is no display.

    What nobody holds any more is lifted by a task of its own, one control after the other, however long QEMU takes to
    answer. What could not be lifted, because the display went away, is lifted at the next display. A new worker cannot
    know what an earlier one left down (QEMU lifts keys, but no buttons, when a listener ends: ``ui/dbus-console.c``),
    so it lifts everything at its first display. That is harmless: QEMU passes on the release of a key only if a client
    of its D-Bus display holds it (``ui/kbd-state.c``), and a button that is up stays up.

    Attributes:
        keyboard, mouse: of the present display; None while there is none.
    """

    def __init__(self) -> None:
        self.keyboard: GuestKeyboard | None = None
        self.mouse: GuestMouse | None = None
        self._fresh = True
        self._closed = False
        self._holders: dict[Control, set[object]] = {}
        """What may be down, in the order in which it was pressed, and who holds it; nobody: it is to be lifted."""
        self._lifter: asyncio.Task[None] | None = None
        self._tasks = TaskSet()

    def attach(self, keyboard: GuestKeyboard, mouse: GuestMouse) -> None:
        """Use this display from now on, and lift at it whatever is held: it is the same guest."""
        self.keyboard, self.mouse = keyboard, mouse
        if self._fresh:
            self._fresh = False
            for button in QEMU_BUTTONS.values():
                mouse.post_release(button)
            for qnum in sorted(set(QNUM_BY_CODE.values())):
                keyboard.post_release(qnum)
        self._lift_all()

    def detach(self, keyboard: GuestKeyboard | None = None) -> None:
        """There is no display for now. With ``keyboard``: unless the present display is not the one that has it."""
        if keyboard is None or keyboard is self.keyboard:
            self.keyboard = self.mouse = None

    async def press(self, holder: object, control: Control) -> None:
        """Press a control for ``holder``; again, where it is down, which is how QEMU's keyboard repeats.

        It counts as held before QEMU has answered: whatever goes wrong meanwhile, QEMU may have taken it. May be
        cancelled; the holder then still holds it.

        Raises:
            InputRejected: QEMU does not take it; it is not held.
            DisplayError: the display has ended; it is lifted at the next one.
        """
        device = self._device(control)
        if device is None or self._closed:
            return
        holders = self._holders.pop(control, set())
        holders.add(holder)
        self._holders[control] = holders
        try:
            await device.press(control.number)
        except InputRejected:
            holders.discard(holder)
            self._forget(control, holders)
            raise

    async def release(self, holder: object, control: Control) -> None:
        """Lift a control if ``holder`` holds it and nobody else does. Raises as :meth:`press`; may be cancelled."""
        holders = self._holders.get(control, set())
        if holder in holders:
            holders.discard(holder)
            if not holders:
                await self._lift(control)

    def held_by(self, holder: object) -> list[Control]:
        """What ``holder`` holds, in the order in which to lift it."""
        return _lifting_order(control for control, holders in self._holders.items() if holder in holders)

    def let_go(self, holder: object) -> None:
        """``holder`` holds nothing any more. Does not wait for QEMU."""
        for holders in self._holders.values():
            holders.discard(holder)
        self._start_lifter()

    async def close(self) -> None:
        """Lift everything, and take nothing more. Idempotent; takes at most ``LIFT_S``.

        What QEMU has not answered for by then is sent to it all the same: it does it when it goes on.
        """
        self._closed = True
        self._lift_all()
        if self._lifter is not None:
            await asyncio.wait({self._lifter}, timeout=limits.LIFT_S)
        await self._tasks.close()
        for control in self._owed():
            if (device := self._device(control)) is not None:
                device.post_release(control.number)
        self._holders.clear()
        self.detach()

    def _lift_all(self) -> None:
        for holders in self._holders.values():
            holders.clear()
        self._start_lifter()

    def _owed(self) -> list[Control]:
        """What may be down though nobody holds it, in the order in which to lift it."""
        return _lifting_order(control for control, holders in self._holders.items() if not holders)

    def _start_lifter(self) -> None:
        if self._owed() and (self._lifter is None or self._lifter.done()):
            self._lifter = self._tasks.start(self._lift_owed(), name="lift what is held")

    async def _lift_owed(self) -> None:
        while owed := [control for control in self._owed() if self._device(control) is not None]:
            keyboard = self.keyboard
            try:
                await self._lift(owed[0])
            except InputRejected as error:
                log.debug("%s cannot be lifted: %s", owed[0], error)
            except DisplayError:
                self.detach(keyboard)

    async def _lift(self, control: Control) -> None:
        device = self._device(control)
        if device is None:
            return
        holders = self._holders[control]
        try:
            await device.release(control.number)
        except InputRejected:
            # A console that has gone refuses as well; then it is lifted when there is one again.
            if device is self._device(control):
                self._forget(control, holders)
            raise
        self._forget(control, holders)

    def _forget(self, control: Control, holders: set[object]) -> None:
        """It is up, unless somebody has pressed it again meanwhile."""
        if not holders and self._holders.get(control) is holders:
            del self._holders[control]

    def _device(self, control: Control) -> GuestKeyboard | GuestMouse | None:
        return self.keyboard if control.device is InputDevice.KEYBOARD else self.mouse


def _lifting_order(pressed: Iterable[Control]) -> list[Control]:
    """Buttons before keys, so that a drag ends with the modifiers it began with; what was pressed last comes first."""
    return sorted(reversed(list(pressed)), key=lambda control: control.device is InputDevice.KEYBOARD)
