"""What we offer on a D-Bus connection: interfaces with methods, properties, frames without a copy."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbus_fast import Variant

from libvirt_webrtc.display.incoming import Incoming
from libvirt_webrtc.errors import DisplayError

PROPERTIES = "org.freedesktop.DBus.Properties"
PEER = "org.freedesktop.DBus.Peer"

MAX_FRAME_BYTES = 128 << 20
"""Largest body of a :class:`Frame`, in bytes: the specification's limit for a whole message. Its limit for one array,
64 MiB, is not imposed, and neither does QEMU keep to it: its GDBus was seen to send pictures of 77 and of 140 MB in one
message (QEMU 10.0.2, modes of 4800x4000 and 7000x5000 pixels)."""


ReplyBody = Sequence[Any] | asyncio.Future[Sequence[Any]]
"""A reply's values, now or later."""


@dataclass(frozen=True, slots=True)
class BusMethod:
    """A method that the other side may call.

    ``handler(message)`` returns the reply's values, or a future of them, which must not fail. It runs in the reader's
    callback, because QEMU's main loop may be waiting for the reply: it must not block. It raises DisplayProtocolError
    to reject the call.
    """

    signature: str
    handler: Callable[[Incoming], ReplyBody]
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """A method whose body is handed over as it was received, not unmarshalled, and which replies with no values.

    ``handler(body)`` gets the little-endian body, which is the handler's own for as long as it keeps a view of it. A
    body of more than ``max_bytes`` is read and thrown away; ``oversized(size)`` is called instead, with its size in
    bytes.
    """

    signature: str
    handler: Callable[[memoryview], None]
    max_bytes: int = MAX_FRAME_BYTES
    oversized: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface of an exported object."""

    name: str
    methods: Mapping[str, BusMethod | Frame]
    properties: Mapping[str, Variant] = field(default_factory=dict)


Exports = Mapping[str, Sequence[Interface]]
"""Interfaces by object path."""


class UnknownMember(DisplayError):
    """The other side asked for an object, method or property that is not exported."""


class ExportTable:
    """Looks up what is exported, and adds the interfaces that every D-Bus object has."""

    def __init__(self, exports: Exports) -> None:
        self._interfaces = {
            (path, interface.name): interface
            for path, interfaces in exports.items()
            for interface in interfaces
        }
        self._methods: dict[tuple[str, str, str], BusMethod | Frame] = {
            (path, name, member): method
            for (path, name), interface in self._interfaces.items()
            for member, method in interface.methods.items()
        }
        for path in exports:
            self._methods[path, PROPERTIES, "GetAll"] = BusMethod("s", self._get_all, "a{sv}")
            self._methods[path, PROPERTIES, "Get"] = BusMethod("ss", self._get, "v")
            self._methods[path, PEER, "Ping"] = BusMethod("", lambda _: ())

    def find(self, path: str, interface: str, member: str) -> BusMethod | Frame | None:
        return self._methods.get((path, interface, member))

    def clear(self) -> None:
        """Export nothing any more, and release the handlers."""
        self._interfaces.clear()
        self._methods.clear()

    def _get_all(self, message: Incoming) -> Sequence[Any]:
        return ({**self._properties(message)},)

    def _get(self, message: Incoming) -> Sequence[Any]:
        interface, name = message.body
        try:
            return (self._properties(message)[name],)
        except KeyError:
            raise UnknownMember(f"no property {name!r} of {interface!r}") from None

    def _properties(self, message: Incoming) -> Mapping[str, Variant]:
        name = message.body[0]
        interface = self._interfaces.get((message.header.path, name))
        if interface is None:
            raise UnknownMember(f"no interface {name!r} at {message.header.path}")
        return interface.properties
