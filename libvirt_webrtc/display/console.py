"""``org.qemu.Display1.Console``: one graphic or text output of the guest, with its keyboard and mouse.

Source: QEMU ``ui/dbus-console.c``.
"""

import asyncio
import socket
from collections.abc import Callable

from libvirt_webrtc.display import keyboard, mouse
from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.listener import Listener, ScanoutMode
from libvirt_webrtc.display.properties import Properties, value_of
from libvirt_webrtc.display.registrations import RegistrationBudget
from libvirt_webrtc.errors import DisplayClosed
from libvirt_webrtc.picture.pixels import MAX_DIMENSION

INTERFACE = "org.qemu.Display1.Console"

RESIZE_SETTLE_S = 0.1
"""A console's size is imposed on a copied picture when neither has changed for this long, in seconds: three refreshes
of QEMU's display, which are 30 ms apart."""


class Console:
    """One console of the display, over one control connection.

    Attributes:
        index: its number, as in its object path.
        label: QEMU's name for it, such as ``VGA``.
        kind: ``Graphic`` or ``Text``.
        width, height: size in pixels, as QEMU reports it.
        on_change: called, without arguments, when the size, the pointer's mode or the LEDs have changed.
    """

    def __init__(self, bus: Bus, registrations: RegistrationBudget, index: int, path: str) -> None:
        self.index = index
        self.label = ""
        self.kind = ""
        self.width = 0
        self.height = 0
        self.on_change: Callable[[], None] | None = None
        self.keyboard = keyboard.Keyboard(bus, path)
        self.mouse = mouse.Mouse(bus, path, lambda: (self.width, self.height))
        self._bus = bus
        self._registrations = registrations
        self._path = path
        self._listeners: list[Listener] = []
        self._settling: asyncio.TimerHandle | None = None

    async def register_listener(self, listener: Listener) -> None:
        """Have QEMU send this console's picture to ``listener``, from now until either side closes.

        Register once and keep it: see ``RegistrationBudget``. On QEMU up to 9.1 a second listener replaces the first.
        May be cancelled; takes at most ``CALL_TIMEOUT_S`` and ``AUTH_TIMEOUT_S`` of ``bus.py``.

        Raises:
            DisplayError: QEMU refuses, has gone, or does not answer in time; or the budget is used up.
        """
        if self._bus.closed:
            raise DisplayClosed("the display's connection has ended")
        self._registrations.use()
        ours, theirs = socket.socketpair()
        try:
            # From here on the reader runs and the authentication is on its way: QEMU's main loop finds it
            # there.
            bus = listener.attach(ours)
            try:
                await self._bus.call(self._path, INTERFACE, "RegisterListener", "h", (0,), (theirs.fileno(),))
                # QEMU answers before it authenticates; only its own copy may keep the connection open.
                theirs.close()
                await bus.authenticated()
            except BaseException:
                listener.close()
                raise
        finally:
            theirs.close()
        self.adopt(listener)

    async def set_ui_info(self, width: int, height: int, width_mm: int, height_mm: int) -> None:
        """Tell the guest's display device the size, in pixels, that it should have its driver show.

        virtio-gpu connects an output that was off, and the value is the mode to boot with where no driver runs. QEMU
        drops a size that is what it was told last, and checks none.

        Raises:
            CallFailed: this display device takes no size (standard VGA: ``Unsupported``).
            DisplayError: QEMU has gone, or does not answer in time.
        """
        await self._bus.call(
            self._path, INTERFACE, "SetUIInfo", "qqiiuu", (width_mm, height_mm, 0, 0, width, height)
        )

    def adopt(self, listener: Listener) -> None:
        """Take over a listener that was registered over an earlier control connection, and still lives."""
        self._listeners = [old for old in self._listeners if not old.closed]
        self._listeners.append(listener)
        listener.on_size = self._settle
        self._settle()

    def set_properties(self, interface: str, changed: Properties) -> None:
        """Take over what QEMU says. Unknown properties, and values of another type, are ignored."""
        if interface == INTERFACE:
            self.label = value_of(changed, "Label", "s", self.label)
            self.kind = value_of(changed, "Type", "s", self.kind)
            size = (
                value_of(changed, "Width", "u", self.width),
                value_of(changed, "Height", "u", self.height),
            )
            if size != (self.width, self.height):
                self.width, self.height = size
                self._settle()
        elif interface == keyboard.INTERFACE:
            self.keyboard.modifiers = value_of(changed, "Modifiers", "u", self.keyboard.modifiers)
        elif interface == mouse.INTERFACE:
            self.mouse.is_absolute = value_of(changed, "IsAbsolute", "b", self.mouse.is_absolute)
        if self.on_change is not None:
            self.on_change()

    def close(self) -> None:
        """End this console's registrations. Idempotent."""
        if self._settling is not None:
            self._settling.cancel()
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    def _settle(self) -> None:
        """Impose the console's size on the picture once neither has changed for ``RESIZE_SETTLE_S``.

        From a graphic mode to a text mode QEMU 7.2 sends no new Scanout, only rectangles and the console's size. These
        come over two connections, in any order. Of several quick changes, the size may be an intermediate one when the
        picture is already the last one, so it is not imposed at once.
        """
        if self._settling is not None:
            self._settling.cancel()
        self._settling = asyncio.get_running_loop().call_later(RESIZE_SETTLE_S, self._impose_size)

    def _impose_size(self) -> None:
        self._settling = None
        if self._bus.closed:
            return  # The size is out of date; the listeners live on and belong to a newer connection.
        if not (0 < self.width <= MAX_DIMENSION and 0 < self.height <= MAX_DIMENSION):
            return
        for listener in self._listeners:
            # A mapped picture always comes with its size, and must stay mapped.
            if listener.mode is ScanoutMode.COPY and not listener.closed:
                listener.framebuffer.resize(self.width, self.height)
