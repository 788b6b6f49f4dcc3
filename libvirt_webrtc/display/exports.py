"""What we offer on a D-Bus connection: interfaces with methods, properties, frames without a copy."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbus_fast import Message, Variant

from libvirt_webrtc.errors import DisplayError

PROPERTIES = "org.freedesktop.DBus.Properties"
PEER = "org.freedesktop.DBus.Peer"

MAX_FRAME_BYTES = 128 << 20
"""D-Bus's own limit for a message, so the largest picture that can come as one."""


Answer = Sequence[Any] | asyncio.Future[Sequence[Any]]
"""A reply's body, now or later."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method that the other side may call.

    ``handler(message)`` returns the reply's body, or a future of it. It runs in the reader, because QEMU's main loop
    may be waiting for the reply: it must neither block nor wait. It raises DisplayProtocolError to reject the
    call. File descriptors in the message are closed after it, except those it took with ``take_fd``.
    """

    signature: str
    handler: Callable[[Message], Answer]
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """A method whose body is handed over as it was received, not unmarshalled, and answered with nothing.

    ``handler(body)`` gets the little-endian body; it is the handler's own, for as long as it keeps a view of it.
    """

    signature: str
    handler: Callable[[memoryview], None]
    max_bytes: int = MAX_FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface of an exported object."""

    name: str
    methods: Mapping[str, Method | Frame]
    properties: Mapping[str, Variant] = field(default_factory=dict)


Exports = Mapping[str, Sequence[Interface]]
"""Interfaces by object path."""


class UnknownMember(DisplayError):
    """The other side asked for an object, method or property that is not exported."""


def take_fd(message: Message, index: int) -> int | None:
    """The caller's own from now on; None when the message has no such file descriptor."""
    if not 0 <= index < len(message.unix_fds) or message.unix_fds[index] < 0:
        return None
    fd: int = message.unix_fds[index]
    message.unix_fds[index] = -1
    return fd


class ExportTable:
    """Looks up what is exported, with the interfaces that every D-Bus object has."""

    def __init__(self, exports: Exports) -> None:
        self._interfaces = {
            (path, interface.name): interface
            for path, interfaces in exports.items()
            for interface in interfaces
        }
        self._methods: dict[tuple[str, str, str], Method | Frame] = {
            (path, name, member): method
            for (path, name), interface in self._interfaces.items()
            for member, method in interface.methods.items()
        }
        for path in exports:
            self._methods[path, PROPERTIES, "GetAll"] = Method("s", self._get_all, "a{sv}")
            self._methods[path, PROPERTIES, "Get"] = Method("ss", self._get, "v")
            self._methods[path, PEER, "Ping"] = Method("", lambda _: ())

    def find(self, path: str, interface: str, member: str) -> Method | Frame | None:
        return self._methods.get((path, interface, member))

    def clear(self) -> None:
        """Exports nothing any more, and lets go of the handlers."""
        self._interfaces.clear()
        self._methods.clear()

    def _get_all(self, message: Message) -> Sequence[Any]:
        return ({**self._properties(message)},)

    def _get(self, message: Message) -> Sequence[Any]:
        try:
            return (self._properties(message)[message.body[1]],)
        except KeyError:
            raise UnknownMember(f"no property {message.body[0]}.{message.body[1]}") from None

    def _properties(self, message: Message) -> Mapping[str, Variant]:
        interface = self._interfaces.get((message.path or "", message.body[0]))
        if interface is None:
            raise UnknownMember(f"no interface {message.body[0]} at {message.path}")
        return interface.properties
