"""Headers of D-Bus messages, without I/O.

They are read apart from the body, so that a picture's body can stay where the socket put it (``Frame`` in
``exports.py``). Source: D-Bus specification, "Message Protocol": what it says must be ignored is ignored (flags, fields
and message types that are not known), and what it calls invalid ends the connection.
"""

import functools
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbus_fast import MessageType

from libvirt_webrtc.display.unmarshal import Reader, Unreadable

MAX_HEADER_BYTES = 16 * 1024
"""Largest array of header fields that is read, in bytes. QEMU's headers are below 300 bytes."""

MAX_UNIX_FDS = 16
"""File descriptors that one message may carry. QEMU sends one, or four with a DMA-BUF of several planes."""

_FIXED = 16
_NO_REPLY_EXPECTED = 0x1
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_SERIAL, _DESTINATION, _SENDER, _SIGNATURE, _UNIX_FDS = range(
    1, 10
)
_TYPES = {
    _PATH: "o",
    _INTERFACE: "s",
    _MEMBER: "s",
    _ERROR_NAME: "s",
    _REPLY_SERIAL: "u",
    _DESTINATION: "s",
    _SENDER: "s",
    _SIGNATURE: "g",
    _UNIX_FDS: "u",
}
_REQUIRED = {
    MessageType.METHOD_CALL: (_PATH, _MEMBER),
    MessageType.METHOD_RETURN: (_REPLY_SERIAL,),
    MessageType.ERROR: (_ERROR_NAME, _REPLY_SERIAL),
    MessageType.SIGNAL: (_PATH, _INTERFACE, _MEMBER),
}

_ELEMENT = "[A-Za-z_][A-Za-z0-9_]*"
_DOTTED = re.compile(rf"{_ELEMENT}(?:\.{_ELEMENT})+")
_BUS_NAME = re.compile(
    r":[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+|[A-Za-z_-][A-Za-z0-9_-]*(?:\.[A-Za-z_-][A-Za-z0-9_-]*)+"
)
_VALID = {
    _PATH: re.compile("/|(?:/[A-Za-z0-9_]+)+"),
    _INTERFACE: _DOTTED,
    _MEMBER: re.compile(_ELEMENT),
    _ERROR_NAME: _DOTTED,
    _DESTINATION: _BUS_NAME,
    _SENDER: _BUS_NAME,
}
"""The specification's "Valid Object Paths" and "Valid Names". dbus-fast's own checks take a line end after a name."""
_MAX_NAME = 255
"""The specification's limit for every name but a path."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a message's header says; ``size`` and ``body_size`` are in bytes, ``size`` with the padding after it."""

    kind: MessageType | None
    """None for a type that the specification does not know: such a message is to be ignored."""
    flags: int
    serial: int
    size: int
    body_size: int
    little_endian: bool
    path: str = ""
    interface: str = ""
    member: str = ""
    error_name: str = ""
    sender: str = ""
    """The sender's bus name, as a bus daemon says; empty without a daemon."""
    signature: str = ""
    reply_serial: int = 0
    unix_fds: int = 0

    @property
    def wants_reply(self) -> bool:
        return self.kind is MessageType.METHOD_CALL and not self.flags & _NO_REPLY_EXPECTED

    @property
    def name(self) -> str:
        """What to call the message in a text for people."""
        return self.member or "a reply"


def parse_header(data: memoryview) -> Header | None:
    """The header at the start of ``data``; None while it is not there as a whole.

    Raises:
        Unreadable: no header, one longer than ``MAX_HEADER_BYTES``, or one that the specification calls invalid.
    """
    if len(data) < _FIXED:
        return None
    little = data[0] == ord("l")
    if (not little and data[0] != ord("B")) or data[3] != 1 or data[1] == 0:
        raise Unreadable(f"not a D-Bus message: it begins with {bytes(data[:4]).hex()}")
    body_size, serial, fields_size = struct.unpack_from("<III" if little else ">III", data, 4)
    if fields_size > MAX_HEADER_BYTES:
        raise Unreadable(f"a D-Bus header of {fields_size} bytes")
    size = _FIXED + fields_size + (-fields_size & 7)
    if len(data) < size:
        return None
    kind = MessageType(data[1]) if data[1] <= len(MessageType) else None
    fields = _fields(bytes(data[_FIXED : _FIXED + fields_size]), little)
    missing = [code for code in _REQUIRED.get(kind, ()) if code not in fields] if kind is not None else []
    if missing or serial == 0:
        raise Unreadable(f"a D-Bus message of type {data[1]} without its {'fields' if missing else 'serial'}")
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
        error_name=fields.get(_ERROR_NAME, ""),
        sender=fields.get(_SENDER, ""),
        signature=fields.get(_SIGNATURE, ""),
        reply_serial=fields.get(_REPLY_SERIAL, 0),
        unix_fds=fields.get(_UNIX_FDS, 0),
    )


@functools.lru_cache(maxsize=64)
def _fields(fields: bytes, little: bool) -> Mapping[int, Any]:
    """The header fields that are known, by code; each is of the type and form that the specification gives it.

    All calls of one method have the same, so few are ever read.
    """
    # They begin at a multiple of eight in the message, and here.
    reader = Reader(fields, little_endian=little)
    found: dict[int, Any] = {}
    while not reader.at_end:
        reader.align(8)
        code = reader.byte()
        variant = reader.variant()
        if code == 0:
            raise Unreadable("a D-Bus header field of code 0")
        if code not in _TYPES:
            continue
        value = variant.value
        if variant.signature != _TYPES[code]:
            raise Unreadable(f"a D-Bus header field {code} of type {variant.signature!r}")
        if (valid := _VALID.get(code)) is not None and (
            valid.fullmatch(value) is None or (code != _PATH and len(value) > _MAX_NAME)
        ):
            raise Unreadable(f"a D-Bus header field {code} that is no valid name: {value[:_MAX_NAME]!r}")
        found[code] = value
    return found
