"""Marshalling of D-Bus values: out by dbus-fast, in by a reader of our own.

Source: D-Bus specification, "Marshaling (Wire Format)".
"""

from typing import Any

from dbus_fast import Message

from libvirt_webrtc.display.unmarshal import Reader, Unreadable


def marshal(message: Message) -> bytes:
    """The whole message as bytes; its header counts the message's file descriptors."""
    return bytes(message._marshall(True))


def unmarshal(signature: str, body: bytes | memoryview, *, little_endian: bool) -> list[Any]:
    """The values of a message body. An array of bytes is ``bytes``, one of dictionary entries a ``dict``, a structure
    a ``tuple``, and a file descriptor its index.

    Args:
        signature: of the body.
        body: aligned to 8 bytes within its message, as every body is.
        little_endian: the byte order that the message's first byte names.

    Raises:
        Unreadable: the body does not fit its signature, or the signature is none.
    """
    reader = Reader(bytes(body), little_endian=little_endian)
    values = reader.read(signature)
    if not reader.at_end:
        raise Unreadable(f"a D-Bus message with more than its signature says: {signature!r}")
    return values
