"""The messages of the ``display`` channel, from a console to a viewer: values to bytes.

The formats are those of docs/protocol.md, "Data channels". Nothing here does I/O.
"""

import json
import struct
from typing import Any

from libvirt_webrtc.errors import ViewerProtocolError
from libvirt_webrtc.input.messages import clamp

MAX_CURSOR_SIZE = 512
"""Pixels of a cursor's width or height."""

MAX_TEXT_BYTES = 1000
"""UTF-8 bytes of the text in a PROBLEM or ENDED."""

SIZE, POINTER_MODE, CURSOR, CURSOR_POSITION, LEDS, ENABLED, PONG = range(0x81, 0x88)
STATE, STATS, CONSOLES, RESIZED, PROBLEM, ENDED, REDUCED, ROLE = range(0x88, 0x90)


def size(width: int, height: int) -> bytes:
    """SIZE: the guest's picture in pixels, at most 65535 each."""
    return struct.pack(">BHH", SIZE, width, height)


def pointer_mode(absolute: bool) -> bytes:
    """POINTER_MODE: whether the guest takes positions (MOVE_TO) or relative motion only (MOVE_BY)."""
    return struct.pack(">BB", POINTER_MODE, absolute)


def cursor(width: int, height: int, hot_x: int, hot_y: int, rgba: bytes) -> bytes:
    """CURSOR: the guest's pointer as a picture, and its hot spot.

    ``rgba`` is ``width`` x ``height`` pixels of R, G, B, A with straight alpha, the top row first. A hot spot
    outside the picture, which a guest may set, is moved to its edge.

    Raises:
        ViewerProtocolError: more than 512 pixels wide or high, or not as many bytes as that takes.
    """
    if not (0 <= width <= MAX_CURSOR_SIZE and 0 <= height <= MAX_CURSOR_SIZE):
        raise ViewerProtocolError(f"a cursor of {width} x {height} pixels")
    if len(rgba) != width * height * 4:
        raise ViewerProtocolError(f"a cursor of {width} x {height} pixels in {len(rgba)} bytes")
    hot_x = clamp(hot_x, 0, max(width - 1, 0))
    hot_y = clamp(hot_y, 0, max(height - 1, 0))
    return struct.pack(">BHHHH", CURSOR, width, height, hot_x, hot_y) + rgba


def cursor_position(x: int, y: int, visible: bool) -> bytes:
    """CURSOR_POSITION: where the guest's pointer is, and whether it is shown."""
    return struct.pack(">BhhB", CURSOR_POSITION, clamp(x, -32768, 32767), clamp(y, -32768, 32767), visible)


def leds(modifiers: int) -> bytes:
    """LEDS: 1 Scroll Lock, 2 Num Lock, 4 Caps Lock, added up; QEMU's ``Modifiers`` has the same bits."""
    return struct.pack(">BB", LEDS, modifiers & 0x07)


def enabled(shown: bool) -> bytes:
    """ENABLED: whether the guest shows anything now."""
    return struct.pack(">BB", ENABLED, shown)


def pong(value: int) -> bytes:
    """PONG: the value of the PING that it answers."""
    return struct.pack(">BI", PONG, value)


def state(paused: bool) -> bytes:
    """STATE: whether the guest is paused."""
    return struct.pack(">BB", STATE, paused)


def stats(document: dict[str, Any]) -> bytes:
    """STATS: what this viewer's video does, as JSON."""
    return _document(STATS, document)


def consoles(document: dict[str, Any]) -> bytes:
    """CONSOLES: the domain's consoles, as JSON."""
    return _document(CONSOLES, document)


def resized(taken: bool) -> bytes:
    """RESIZED: whether the guest's display device was told the RESIZE's size."""
    return struct.pack(">BB", RESIZED, taken)


def reduced(factor: int) -> bytes:
    """REDUCED: how many of the guest's pixels in a row became one because the viewer's decoders take no more."""
    return struct.pack(">BB", REDUCED, factor)


def role(number: int) -> bytes:
    """ROLE: what the viewer may do: 0 view, 1 control, 2 operate, 3 admin."""
    return struct.pack(">BB", ROLE, number)


def problem(text: str) -> bytes:
    """PROBLEM: why the guest's picture cannot be shown; empty once it can."""
    return _text(PROBLEM, text)


def ended(text: str) -> bytes:
    """ENDED: why the connection is about to end, in a sentence."""
    return _text(ENDED, text)


def _text(type_: int, text: str) -> bytes:
    """Cut between characters."""
    return bytes((type_,)) + text.encode(errors="replace")[:MAX_TEXT_BYTES].decode(errors="ignore").encode()


def _document(type_: int, document: dict[str, Any]) -> bytes:
    return bytes((type_,)) + json.dumps(document, separators=(",", ":")).encode()
