"""``org.qemu.Display1.Mouse``: buttons, wheel and motion."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.calls import CallFailed
from libvirt_webrtc.errors import InputRejected

INTERFACE = "org.qemu.Display1.Mouse"
MAX_MOTION = 0x7FFF
"""Largest motion in one direction that is sent, in either sign; wider than any screen here (``MAX_DIMENSION``)."""


class Button(IntEnum):
    """QEMU's ``InputButton`` (``qapi/ui.json``). A step of the wheel is a press and a release."""

    LEFT = 0
    MIDDLE = 1
    RIGHT = 2
    WHEEL_UP = 3
    WHEEL_DOWN = 4
    SIDE = 5
    EXTRA = 6


class Mouse:
    """One console's pointer.

    Attributes:
        is_absolute: the guest takes positions; False: it takes relative motion only. It turns true when the guest
            activates a tablet. On QEMU 7.2 it starts as False whatever the guest has, and follows changes only.
    """

    def __init__(self, bus: Bus, path: str, size: Callable[[], tuple[int, int]]) -> None:
        """``size()`` returns the console's present width and height in pixels."""
        self.is_absolute = False
        self._bus = bus
        self._path = path
        self._size = size

    async def press(self, button: int) -> None:
        """Press a button of :class:`Button`.

        Raises:
            InputRejected: there is no such button, which QEMU does not check itself, or QEMU refuses.
            DisplayError: QEMU has gone. One that stands still is waited for, as for a key.
        """
        await self._call("Press", "u", _button(button))

    async def release(self, button: int) -> None:
        """Release a button. As :meth:`press` otherwise."""
        await self._call("Release", "u", _button(button))

    def post_release(self, button: int) -> None:
        """Send a release now and wait for nothing; harmless where the button is up."""
        self._bus.post(self._path, INTERFACE, "Release", "u", (_button(button),))

    async def set_abs_position(self, x: int, y: int) -> None:
        """Move to ``x, y`` in guest pixels, clamped to the console. Raises InputRejected unless ``is_absolute``."""
        width, height = self._size()
        x, y = min(max(x, 0), max(width - 1, 0)), min(max(y, 0), max(height - 1, 0))
        await self._call("SetAbsPosition", "uu", x, y)

    async def rel_motion(self, dx: int, dy: int) -> None:
        """Move by ``dx, dy`` in guest pixels. Raises InputRejected while ``is_absolute``, or beyond ``MAX_MOTION``."""
        if max(abs(dx), abs(dy)) > MAX_MOTION:
            raise InputRejected(f"a motion of {dx},{dy}")
        await self._call("RelMotion", "ii", dx, dy)

    async def _call(self, member: str, signature: str, *body: Any) -> None:
        try:
            await self._bus.call(self._path, INTERFACE, member, signature, body, timeout_s=None)
        except CallFailed as error:
            raise InputRejected(f"mouse {member}: {error}") from error


def _button(number: int) -> int:
    try:
        return Button(number)
    except ValueError:
        raise InputRejected(f"{number} is no button") from None
