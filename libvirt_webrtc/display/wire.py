"""D-Bus on the wire, without I/O: message headers, marshalling, and what a client says to authenticate.

Marshalling is dbus-fast's; only this module knows which of its names do it. Message headers are also read
here, so that a picture's body can be left where the socket put it (``Frame`` in ``exports.py``).
Layout: D-Bus specification, "Message Format" and "Authentication Protocol".
"""

import struct
from dataclasses import dataclass
from io import BufferedRWPair, BytesIO
from typing import Any, cast

from dbus_fast import Message, MessageType
from dbus_fast._private.unmarshaller import Unmarshaller

from libvirt_webrtc.errors import DisplayProtocolError

MAX_HEADER_BYTES = 16 * 1024
"""QEMU's headers are below 300 bytes; what is longer is not QEMU."""

MAX_UNIX_FDS = 16
"""File descriptors one message may carry; QEMU sends one, or four with a multi-plane DMA-BUF."""

_FIXED = 16
_NO_REPLY_EXPECTED = 0x1
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_SERIAL, _DESTINATION, _SENDER, _SIGNATURE, _UNIX_FDS = range(
    1, 10
)


class Unreadable(DisplayProtocolError):
    """Bytes that are no D-Bus message: the stream cannot be trusted from here on."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a message's header says; ``size`` and ``body_size`` are in bytes, ``size`` with the padding."""

    kind: MessageType
    flags: int
    serial: int
    size: int
    body_size: int
    little_endian: bool
    path: str = ""
    interface: str = ""
    member: str = ""
    sender: str = ""
    """Who sent it, as a bus daemon says; empty where there is none between."""
    signature: str = ""
    reply_serial: int = 0
    unix_fds: int = 0

    @property
    def wants_reply(self) -> bool:
        return self.kind is MessageType.METHOD_CALL and not self.flags & _NO_REPLY_EXPECTED


@dataclass(frozen=True, slots=True)
class Authentication:
    """All that a client says to authenticate and to negotiate file descriptors, in one piece, and how the lines of a
    server begin that takes it.

    QEMU authenticates a listener on its main loop and waits there for every line. Sent ahead as a whole
    (GDBus reads line by line), it finds them all and never waits for us. Nothing else may be sent before
    its answer.
    """

    request: bytes
    answers: tuple[bytes, ...]


def authenticate_as(uid: int) -> Authentication:
    """To QEMU, which compares ``uid`` with what the kernel says."""
    identity = str(uid).encode().hex().encode()
    return Authentication(
        b"\0AUTH EXTERNAL " + identity + b"\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n", (b"OK ", b"AGREE_UNIX_FD")
    )


AUTHENTICATE_BY_KERNEL = Authentication(
    b"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n", (b"DATA", b"OK ", b"AGREE_UNIX_FD")
)
"""To a bus daemon: as whoever connected the socket, which the kernel knows and we need not. sd-bus does the same."""


def parse_header(data: memoryview) -> Header | None:
    """The header at the start of ``data``; None while it is not there as a whole.

    Raises:
        Unreadable: no header, or one longer than ``MAX_HEADER_BYTES``.
    """
    if len(data) < _FIXED:
        return None
    little = data[0] == ord("l")
    order = "<" if little else ">"
    if (not little and data[0] != ord("B")) or data[3] != 1:
        raise Unreadable(f"not a D-Bus message: it begins with {bytes(data[:4]).hex()}")
    try:
        kind = MessageType(data[1])
    except ValueError:
        raise Unreadable(f"a D-Bus message of type {data[1]}") from None
    body_size, serial, fields_size = struct.unpack_from(order + "III", data, 4)
    if fields_size > MAX_HEADER_BYTES:
        raise Unreadable(f"a D-Bus header of {fields_size} bytes")
    size = _FIXED + fields_size + (-fields_size & 7)
    if len(data) < size:
        return None
    try:
        fields = _fields(bytes(data[: _FIXED + fields_size]), order)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise Unreadable(f"a D-Bus header that cannot be read: {error}") from error
    if fields.get(_UNIX_FDS, 0) > MAX_UNIX_FDS:
        raise Unreadable(f"a message with {fields[_UNIX_FDS]} file descriptors")
    return Header(
        kind,
        data[2],
        serial,
        size,
        body_size,
        little,
        path=fields.get(_PATH, ""),
        interface=fields.get(_INTERFACE, ""),
        member=fields.get(_MEMBER, ""),
        sender=fields.get(_SENDER, ""),
        signature=fields.get(_SIGNATURE, ""),
        reply_serial=fields.get(_REPLY_SERIAL, 0),
        unix_fds=fields.get(_UNIX_FDS, 0),
    )


def _fields(data: bytes, order: str) -> dict[int, Any]:
    """Header fields by code: texts and numbers, each of the type that the specification gives it."""
    found: dict[int, Any] = {}
    at = _FIXED
    while at < len(data):
        at += -at & 7
        code, kind = data[at], data[at + 1 : at + 4]
        if kind != _FIELD_TYPES.get(code):
            raise Unreadable(f"a D-Bus header field {code} of type {kind!r}")
        at += 4
        if kind == b"\1u\0":
            (found[code],) = struct.unpack_from(order + "I", data, at)
            at += 4
            continue
        if kind == b"\1g\0":
            length = data[at]
            at += 1
        else:
            (length,) = struct.unpack_from(order + "I", data, at)
            at += 4
        if at + length >= len(data):
            raise Unreadable(f"a D-Bus header field {code} that ends outside the header")
        found[code] = data[at : at + length].decode()
        at += length + 1
    return found


_FIELD_TYPES = {
    _PATH: b"\1o\0",
    _INTERFACE: b"\1s\0",
    _MEMBER: b"\1s\0",
    _ERROR_NAME: b"\1s\0",
    _REPLY_SERIAL: b"\1u\0",
    _DESTINATION: b"\1s\0",
    _SENDER: b"\1s\0",
    _SIGNATURE: b"\1g\0",
    _UNIX_FDS: b"\1u\0",
}


def marshal(message: Message) -> bytes:
    """The message as bytes, file descriptors counted in its header."""
    return bytes(message._marshall(True))


def unmarshal(data: bytes) -> Message:
    """The message in ``data``, which holds exactly one.

    Raises:
        Unreadable: its content does not fit its signature.
    """
    try:
        message = Unmarshaller(cast(BufferedRWPair, BytesIO(data))).unmarshall()
    except Exception as error:
        # dbus-fast lets struct's, codecs' and its own errors through, whatever the bad byte happens to hit.
        raise Unreadable(f"a D-Bus message that cannot be read: {error}") from error
    if message is None:
        raise Unreadable("a D-Bus message that ends early")
    return message
