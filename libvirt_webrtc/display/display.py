"""The display's object tree over its control connection: the VM and its consoles.

Source: QEMU ``ui/dbus.c``. A connection that is not over a bus is replaced, and ended, when another client opens the
display; listeners live on then, input does not.
"""

import re
import socket
from collections.abc import Callable

from libvirt_webrtc.display import console, daemon
from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.console import Console
from libvirt_webrtc.display.exports import PROPERTIES
from libvirt_webrtc.display.incoming import Incoming
from libvirt_webrtc.display.properties import Interfaces, value_of
from libvirt_webrtc.display.registrations import RegistrationBudget
from libvirt_webrtc.errors import DisplayError, DisplayProtocolError

ROOT = "/org/qemu/Display1"
VM = "org.qemu.Display1.VM"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"

MAX_CONSOLES = 64
"""Consoles that are taken from one QEMU; its display devices have at most 16 outputs each."""

_CONSOLE_PATH = re.compile(r"/org/qemu/Display1/Console_([0-9]{1,2})\Z")
"""Of a console with an index below 100: what comes of one is kept after it has gone, and must not be unbounded."""


class Display:
    """The display of one QEMU over its control connection.

    Attributes:
        name, uuid: the VM's own, as QEMU knows them.
        consoles: by index; follows QEMU.
        registrations: counts the listeners that were registered with this QEMU.
        on_consoles: called, without arguments, when a console has come or gone.
    """

    bus: Bus

    def __init__(self, registrations: RegistrationBudget) -> None:
        self.name = ""
        self.uuid = ""
        self.consoles: dict[int, Console] = {}
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
            if reply.header.signature != "a{oa{sa{sv}}}":
                raise DisplayProtocolError(f"GetManagedObjects answered {reply.header.signature!r}")
            for path, interfaces in reply.body[0].items():
                display._added(path, interfaces)
        except BaseException:
            display.close()
            raise
        return display

    def close(self) -> None:
        """End the control connection and every registration. Idempotent."""
        for each in self.consoles.values():
            each.close()
        self.bus.close()

    async def wait_closed(self) -> DisplayError:
        """Wait until the control connection has ended, and return why. May be cancelled."""
        return await self.bus.wait_closed()

    def _on_signal(self, message: Incoming) -> None:
        """Follow QEMU's changes; signals that are not known are ignored."""
        header = message.header
        match header.interface, header.member, header.signature:
            case (interface, "PropertiesChanged", "sa{sv}as") if interface == PROPERTIES:
                if (changed := self._find(header.path)) is not None:
                    changed.set_properties(message.body[0], message.body[1])
            case (interface, "InterfacesAdded", "oa{sa{sv}}") if interface == OBJECT_MANAGER:
                self._added(*message.body)
            case (interface, "InterfacesRemoved", "oas") if interface == OBJECT_MANAGER:
                self._removed(*message.body)

    def _added(self, path: str, interfaces: Interfaces) -> None:
        if (properties := interfaces.get(VM)) is not None:
            self.name = value_of(properties, "Name", "s", self.name)
            self.uuid = value_of(properties, "UUID", "s", self.uuid)
        found = _CONSOLE_PATH.match(path)
        if found is None:
            return
        index = int(found[1])
        new = console.INTERFACE in interfaces and index not in self.consoles
        if new:
            if len(self.consoles) >= MAX_CONSOLES:
                raise DisplayProtocolError(f"more than {MAX_CONSOLES} consoles")
            self.consoles[index] = Console(self.bus, self.registrations, index, path)
        if (changed := self.consoles.get(index)) is not None:
            for interface, values in interfaces.items():
                changed.set_properties(interface, values)
        if new and self.on_consoles is not None:
            self.on_consoles()

    def _removed(self, path: str, interfaces: list[str]) -> None:
        if (gone := self._find(path)) is not None and console.INTERFACE in interfaces:
            del self.consoles[gone.index]
            gone.close()
            if self.on_consoles is not None:
                self.on_consoles()

    def _find(self, path: str) -> Console | None:
        found = _CONSOLE_PATH.match(path)
        return self.consoles.get(int(found[1])) if found else None
