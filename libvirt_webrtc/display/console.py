"""The display's object tree over the control connection: the VM and its consoles.

Source: QEMU ``ui/dbus.c``, ``ui/dbus-console.c``. A connection that is not over a bus is replaced, and ended, when
another client opens the display; listeners live on then, input does not.
"""

import asyncio
import re
import socket
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from dbus_fast import Message, Variant

from libvirt_webrtc.display import daemon, keyboard, mouse
from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.exports import PROPERTIES
from libvirt_webrtc.display.listener import Listener, ScanoutMode
from libvirt_webrtc.display.registrations import RegistrationBudget
from libvirt_webrtc.errors import DisplayClosed, DisplayError, DisplayProtocolError
from libvirt_webrtc.picture.pixels import MAX_DIMENSION

ROOT = "/org/qemu/Display1"
VM = "org.qemu.Display1.VM"
CONSOLE = "org.qemu.Display1.Console"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"

MAX_CONSOLES = 64

RESIZE_SETTLE_S = 0.1
"""A console's size is imposed on a copied picture when neither has changed for this long: three refreshes."""

_CONSOLE_PATH = re.compile(r"/org/qemu/Display1/Console_(\d{1,4})\Z")

_T = TypeVar("_T")
Properties = Mapping[str, Variant]
Interfaces = Mapping[str, Properties]


class Console:
    """One of the guest's screens, with its keyboard and mouse.

    Attributes:
        kind: ``Graphic`` or ``Text``.
        width, height: size in pixels, as QEMU reports it.
        on_change: called, without arguments, when the size, the pointer's mode or the LEDs have changed.
    """

    def __init__(self, display: "Display", index: int, path: str) -> None:
        self.index = index
        self.label = ""
        self.kind = ""
        self.width = 0
        self.height = 0
        self.on_change: Callable[[], None] | None = None
        self.keyboard = keyboard.Keyboard(display.bus, path)
        self.mouse = mouse.Mouse(display.bus, path, lambda: (self.width, self.height))
        self._display = display
        self._path = path
        self._listeners: list[Listener] = []
        self._settling: asyncio.TimerHandle | None = None

    async def register_listener(self, listener: Listener) -> None:
        """Has QEMU send this console's picture to ``listener``, from now until either side closes.

        Register once and keep it: see ``RegistrationBudget``. On QEMU up to 9.1 a second one replaces the
        first.

        Raises:
            DisplayError: QEMU refuses, has gone, or does not answer in time; or the budget is used up.
        """
        if self._display.bus.closed:
            raise DisplayClosed("the display's connection has ended")
        self._display.registrations.use()
        ours, theirs = socket.socketpair()
        try:
            # From here on the reader runs and the authentication is on its way: QEMU's main loop finds it
            # there.
            bus = listener.attach(ours)
            try:
                await self._display.bus.call(
                    self._path, CONSOLE, "RegisterListener", "h", (0,), (theirs.fileno(),)
                )
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
        """Tells the guest's display device the size, in pixels, that it should have its driver show.

        virtio-gpu connects an output that was off, and the value is the mode to boot with where no driver runs. QEMU
        drops a size that is what it was told last, and checks none.

        Raises:
            CallFailed: this display device takes no size (standard VGA: ``Unsupported``).
            DisplayError: QEMU has gone, or does not answer in time.
        """
        await self._display.bus.call(
            self._path, CONSOLE, "SetUIInfo", "qqiiuu", (width_mm, height_mm, 0, 0, width, height)
        )

    def adopt(self, listener: Listener) -> None:
        """Takes over a listener that was registered over an earlier control connection, and still lives."""
        self._listeners = [old for old in self._listeners if not old.closed]
        self._listeners.append(listener)
        listener.on_size = self._settle
        self._settle()

    def set_properties(self, interface: str, changed: Properties) -> None:
        """Takes over what QEMU says; unknown properties are none of ours."""
        if interface == CONSOLE:
            self.label = _value(changed, "Label", "s", self.label)
            self.kind = _value(changed, "Type", "s", self.kind)
            size = (_value(changed, "Width", "u", self.width), _value(changed, "Height", "u", self.height))
            if size != (self.width, self.height):
                self.width, self.height = size
                self._settle()
        elif interface == keyboard.INTERFACE:
            self.keyboard.modifiers = _value(changed, "Modifiers", "u", self.keyboard.modifiers)
        elif interface == mouse.INTERFACE:
            self.mouse.is_absolute = _value(changed, "IsAbsolute", "b", self.mouse.is_absolute)
        if self.on_change is not None:
            self.on_change()

    def close(self) -> None:
        """Ends this console's registrations; again is fine."""
        if self._settling is not None:
            self._settling.cancel()
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    def _settle(self) -> None:
        """Waits for size and picture to stop changing before the one is imposed on the other.

        QEMU 7.2 sends no new Scanout from a graphic mode to a text mode, only rectangles and the console's
        size. They come on two connections, in any order: at once would be wrong, for of several quick
        changes one connection could name an intermediate size when the other has already brought the final
        picture.
        """
        if self._settling is not None:
            self._settling.cancel()
        self._settling = asyncio.get_running_loop().call_later(RESIZE_SETTLE_S, self._impose_size)

    def _impose_size(self) -> None:
        self._settling = None
        if self._display.bus.closed:
            return  # The size is of some time ago; the listeners live on, and belong to a newer connection.
        if not (0 < self.width <= MAX_DIMENSION and 0 < self.height <= MAX_DIMENSION):
            return
        for listener in self._listeners:
            # A mapped picture always comes with its size, and must stay mapped.
            if listener.mode is ScanoutMode.COPY and not listener.closed:
                listener.framebuffer.resize(self.width, self.height)


class Display:
    """A VM's display over its control connection.

    Attributes:
        name, uuid: the VM's own, as QEMU knows them.
        consoles: by index; follows QEMU.
        objects: interface names by path, for what is not a console (audio, clipboard).
        registrations: counts the listeners that were registered with this QEMU.
        on_consoles: called, without arguments, when a console has come or gone.
    """

    bus: Bus

    def __init__(self, registrations: RegistrationBudget) -> None:
        self.name = ""
        self.uuid = ""
        self.consoles: dict[int, Console] = {}
        self.objects: dict[str, set[str]] = {}
        self.on_consoles: Callable[[], None] | None = None
        self.registrations = registrations

    @classmethod
    async def open(
        cls,
        sock: socket.socket,
        *,
        on_bus: bool = False,
        registrations: RegistrationBudget | None = None,
    ) -> "Display":
        """Open the display at the other end of ``sock`` (from libvirt's OpenGraphicsFD). Takes at most some seconds.

        Args:
            sock: the display's own from now on, also where this fails.
            on_bus: ``sock`` leads to a bus daemon, and the display is the one of the QEMU on that bus.
            registrations: the budget of this QEMU process; by default one for this connection alone.

        Raises:
            DisplayError: QEMU refuses, does not answer in time, or is none.
        """
        display = cls(registrations or RegistrationBudget())
        connect = daemon.join if on_bus else Bus.connect
        display.bus = await connect(sock, on_signal=display._on_signal)
        try:
            reply = await display.bus.call(ROOT, OBJECT_MANAGER, "GetManagedObjects")
            if reply.signature != "a{oa{sa{sv}}}":
                raise DisplayProtocolError(f"GetManagedObjects answered {reply.signature!r}")
            for path, interfaces in reply.body[0].items():
                display._added(path, interfaces)
        except BaseException:
            display.close()
            raise
        return display

    def close(self) -> None:
        """Ends the control connection and every registration; again is fine."""
        for console in self.consoles.values():
            console.close()
        self.bus.close()

    async def wait_closed(self) -> DisplayError:
        """Waits until the control connection has ended, and tells why."""
        return await self.bus.wait_closed()

    def _on_signal(self, message: Message) -> None:
        match message.interface, message.member, message.signature:
            case (str(interface), "PropertiesChanged", "sa{sv}as") if interface == PROPERTIES:
                if (console := self._console(message.path or "")) is not None:
                    console.set_properties(message.body[0], message.body[1])
            case (str(interface), "InterfacesAdded", "oa{sa{sv}}") if interface == OBJECT_MANAGER:
                self._added(*message.body)
            case (str(interface), "InterfacesRemoved", "oas") if interface == OBJECT_MANAGER:
                self._removed(*message.body)

    def _added(self, path: str, interfaces: Interfaces) -> None:
        if (properties := interfaces.get(VM)) is not None:
            self.name = _value(properties, "Name", "s", self.name)
            self.uuid = _value(properties, "UUID", "s", self.uuid)
        found = _CONSOLE_PATH.match(path)
        if found is None:
            self.objects.setdefault(path, set()).update(interfaces)
            return
        index = int(found[1])
        new = CONSOLE in interfaces and index not in self.consoles
        if new:
            if len(self.consoles) >= MAX_CONSOLES:
                raise DisplayProtocolError(f"more than {MAX_CONSOLES} consoles")
            self.consoles[index] = Console(self, index, path)
        if (console := self.consoles.get(index)) is not None:
            for interface, properties in interfaces.items():
                console.set_properties(interface, properties)
        if new and self.on_consoles is not None:
            self.on_consoles()

    def _removed(self, path: str, interfaces: list[str]) -> None:
        if (console := self._console(path)) is None:
            self.objects.get(path, set()).difference_update(interfaces)
        elif CONSOLE in interfaces:
            del self.consoles[console.index]
            console.close()
            if self.on_consoles is not None:
                self.on_consoles()

    def _console(self, path: str) -> Console | None:
        found = _CONSOLE_PATH.match(path)
        return self.consoles.get(int(found[1])) if found else None


def _value(properties: Properties, name: str, signature: str, default: _T) -> _T:
    """The property's value if it is there and of its type."""
    found = properties.get(name)
    if found is None or found.signature != signature:
        return default
    return cast(_T, found.value)
