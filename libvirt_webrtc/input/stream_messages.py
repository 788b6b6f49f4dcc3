"""The messages that only a stream has (a viewer's WebSocket): its beginning, frames, and what was received of them.

The formats are those of docs/protocol.md, "The stream". Nothing here does I/O. What a viewer sends is untrusted.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from libvirt_webrtc.errors import ViewerProtocolError

HELLO, RECEIVED, WANT_KEYFRAME = range(0x40, 0x43)
WELCOME, FRAME = range(0xC0, 0xC2)

MAX_SERVER_MESSAGE = 2 * 1024 * 1024
"""Bytes of one message to a viewer. The largest is a CURSOR, of 1 MiB and some bytes."""

PART_BYTES = 16 * 1024
"""Bytes of a picture in one FRAME. Other messages pass between two of them, and each is acknowledged by itself."""

_KEYFRAME, _FIRST, _LAST = 1, 2, 4
_FLAGS = struct.Struct(">BB")
_HEAD = struct.Struct(">BIHH")
_RECEIVED = struct.Struct(">I")
_COUNT = 1 << 32


@dataclass(frozen=True, slots=True)
class Hello:
    """The viewer is ready."""

    formats: tuple[str, ...]
    """What it decodes, as WELCOME names formats; unknown names are left out by whoever reads it."""


@dataclass(frozen=True, slots=True)
class Received:
    """The viewer has taken this many bytes of messages since WELCOME, modulo 2**32."""

    count: int


@dataclass(frozen=True, slots=True)
class WantKeyframe:
    """The viewer could not decode the picture, and needs one that does not build upon others."""


StreamMessage = Hello | Received | WantKeyframe


def parse(message: bytes) -> StreamMessage | None:
    """The value of one message from a viewer, without the console's index; None: it is one of the input channel's.

    Raises:
        ViewerProtocolError: it is of a type that is known here, and malformed.
    """
    if not message:
        raise ViewerProtocolError("an empty message")
    kind, body = message[0], message[1:]
    if kind == HELLO:
        return _hello(body)
    if kind == RECEIVED:
        if len(body) != _RECEIVED.size:
            raise ViewerProtocolError(f"a RECEIVED with a body of {len(body)} bytes")
        return Received(*_RECEIVED.unpack(body))
    if kind == WANT_KEYFRAME:
        if body:
            raise ViewerProtocolError(f"a WANT_KEYFRAME with a body of {len(body)} bytes")
        return WantKeyframe()
    return None


def welcome(formats: Sequence[str]) -> bytes:
    """WELCOME: the formats that consoles may be sent in, the best first."""
    return bytes((WELCOME,)) + json.dumps({"formats": list(formats)}, separators=(",", ":")).encode()


def hello(formats: Sequence[str]) -> bytes:
    """HELLO: what a viewer decodes."""
    return bytes((HELLO,)) + json.dumps({"formats": list(formats)}).encode()


def first_size(body: bytes) -> tuple[int, int]:
    """Width and height of the encoded picture, of a FRAME that is the first part of it; without its type."""
    _, _, width, height = _HEAD.unpack_from(body, 1)
    return width, height


def frame_parts(
    data: bytes, *, format_code: int, keyframe: bool, timestamp: int, width: int, height: int
) -> Iterator[bytes]:
    """FRAMEs: one access unit in parts of :data:`PART_BYTES`.

    Args:
        data: as the encoder made it; H.264 in Annex B.
        format_code: the number of its format.
        keyframe: it needs no other picture.
        timestamp: in ticks of a 90 kHz clock.
        width, height: of the encoded picture, in pixels.
    """
    flags = _KEYFRAME * keyframe | _FIRST
    head = _HEAD.pack(format_code, timestamp % _COUNT, width, height)
    last = max(len(data) - 1, 0) // PART_BYTES
    for part in range(last + 1):
        flags = flags | _LAST if part == last else flags
        yield _FLAGS.pack(FRAME, flags) + head + data[part * PART_BYTES : (part + 1) * PART_BYTES]
        flags, head = _KEYFRAME * keyframe, b""


def _hello(body: bytes) -> Hello:
    try:
        formats = json.loads(body)["formats"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise ViewerProtocolError("a HELLO that is no JSON object with formats") from error
    if not isinstance(formats, list) or not all(isinstance(name, str) for name in formats):
        raise ViewerProtocolError("a HELLO whose formats are no list of names")
    return Hello(tuple(formats))
