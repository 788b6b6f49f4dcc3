"""Marshalling of D-Bus values by dbus-fast; only this module knows which of its names do it.

Source: D-Bus specification, "Marshaling (Wire Format)".
"""

import struct
from io import BufferedRWPair, BytesIO
from typing import Any, cast

from dbus_fast import Message
from dbus_fast._private.unmarshaller import Unmarshaller

from libvirt_webrtc.errors import DisplayProtocolError

MAX_SIGNATURE_BYTES = 255
"""The specification's limit for a signature."""

_MAX_REASON = 200
"""Characters of dbus-fast's message that an error of ours repeats."""


class Unreadable(DisplayProtocolError):
    """Bytes that are no D-Bus message: nothing after them in the stream can be trusted."""


def marshal(message: Message) -> bytes:
    """The whole message as bytes; its header counts the message's file descriptors."""
    return bytes(message._marshall(True))


def unmarshal(signature: str, body: bytes | memoryview, *, little_endian: bool) -> list[Any]:
    """The values of a message body.

    dbus-fast refuses values nested deeper than 64, so that no message can exhaust the stack.

    Args:
        signature: of the body, of at most ``MAX_SIGNATURE_BYTES``.
        body: aligned to 8 bytes within its message, as every body is.
        little_endian: the byte order that the message's first byte names.

    Raises:
        Unreadable: the body does not fit its signature, or the signature is none.
    """
    if not body:
        if signature:
            # dbus-fast would read no values at all.
            raise Unreadable(f"an empty D-Bus message of signature {signature!r}")
        return []
    text = signature.encode()
    if len(text) > MAX_SIGNATURE_BYTES:
        raise Unreadable(f"a D-Bus signature of {len(text)} bytes")
    # dbus-fast reads whole messages only. This header says nothing but the signature: the real header has been
    # checked, may hold fields that dbus-fast does not know, and is not to be read twice.
    fields = b"\x08\x01g\0" + bytes([len(text)]) + text + b"\0"
    head = struct.pack(
        ("<" if little_endian else ">") + "cBBBIII",
        b"l" if little_endian else b"B",
        2,
        0,
        1,
        len(body),
        1,
        len(fields),
    )
    data = b"".join((head, fields, bytes(-len(fields) & 7), body))
    try:
        message = Unmarshaller(cast(BufferedRWPair, BytesIO(data))).unmarshall()
    except Exception as error:
        # dbus-fast lets struct's, codecs' and its own errors through, whatever the bad byte happens to hit.
        raise Unreadable(f"a D-Bus message that cannot be read: {str(error)[:_MAX_REASON]}") from error
    if message is None:
        raise Unreadable("a D-Bus message that ends early")
    return list(message.body)
