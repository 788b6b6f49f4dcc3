"""Carries out one viewer's messages on a console's keyboard and mouse."""

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
from libvirt_webrtc.worker.console_input import (
    QEMU_BUTTONS,
    WHEEL_DOWN,
    WHEEL_UP,
    ConsoleInput,
    Control,
    GuestMouse,
    InputDevice,
)


class InputSink:
    """Carries out one viewer's messages, or drops them while there is no display.

    Only one task may call :meth:`send`: one message at a time.

    Attributes:
        unknown: keys and buttons that QEMU has no number for.
        rejected: what QEMU refused, and pointer motion of the kind that the guest does not take.
    """

    def __init__(self, console_input: ConsoleInput) -> None:
        self.unknown = 0
        self.rejected = 0
        self._input = console_input

    async def send(self, message: InputMessage) -> None:
        """Carry out one message and wait for QEMU's replies, however long they take. May be cancelled.

        Raises no DisplayError: what QEMU refuses is counted, and a display that has ended is not used any more.
        """
        keyboard, mouse = self._input.keyboard, self._input.mouse
        try:
            match message:
                case KeyEvent(code, down):
                    await self._hold(InputDevice.KEYBOARD, QNUM_BY_CODE.get(code), down)
                case ButtonEvent(button, down):
                    await self._hold(InputDevice.MOUSE, QEMU_BUTTONS.get(button), down)
                case MoveTo() | MoveBy() if mouse is not None:
                    await self._move(mouse, message)
                case Wheel(dy=dy) if mouse is not None:
                    step = WHEEL_DOWN if dy > 0 else WHEEL_UP
                    for _ in range(abs(dy)):
                        await mouse.press(step)
                        await mouse.release(step)
                case ReleaseAll():
                    await self._release_held()
        except InputRejected:
            self.rejected += 1
        except DisplayError:
            self._input.detach(keyboard)

    @property
    def holds(self) -> bool:
        """Whether this viewer holds a key or a button."""
        return bool(self._input.held_by(self))

    def let_go(self) -> None:
        """This viewer holds nothing any more; the console lifts what nobody else holds. Does not wait for QEMU."""
        self._input.let_go(self)

    async def _hold(self, device: InputDevice, number: int | None, down: bool) -> None:
        if number is None:
            self.unknown += 1
        elif down:
            await self._input.press(self, Control(device, number))
        else:
            # Only what this viewer pressed: the release of a key that went down before the page had the focus must not
            # lift a key of another viewer.
            await self._input.release(self, Control(device, number))

    async def _release_held(self) -> None:
        for control in self._input.held_by(self):
            try:
                await self._input.release(self, control)
            except InputRejected:
                # The others still follow.
                self.rejected += 1

    async def _move(self, mouse: GuestMouse, motion: MoveTo | MoveBy) -> None:
        # QEMU refuses the kind of motion that does not fit the guest's pointer. The viewer learns of a change
        # of that pointer later than we do, so what does not fit is nobody's fault.
        if isinstance(motion, MoveTo) and mouse.is_absolute:
            await mouse.set_abs_position(motion.x, motion.y)
        elif isinstance(motion, MoveBy) and not mouse.is_absolute:
            await mouse.rel_motion(motion.dx, motion.dy)
        else:
            self.rejected += 1
