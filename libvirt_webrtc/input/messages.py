"""The messages of the ``input`` channel, from a viewer to a console: bytes to values.

The formats are those of docs/protocol.md, "Data channels". Nothing here does I/O, and nothing here knows QEMU's
numbers: keys are ``KeyboardEvent.code``, buttons are ``MouseEvent.button``.

What a viewer sends is untrusted. :func:`parse` is the only way in: whatever the bytes, it returns a value or raises
:class:`~libvirt_webrtc.errors.ViewerProtocolError`. It refuses a message that is not in the protocol (its type, its
length, a code that is not ASCII). A value out of range is brought into range, because a mouse with a strange wheel must
not cost anyone the connection.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from libvirt_webrtc.errors import ViewerProtocolError

MAX_CODE_LENGTH = 32
"""ASCII characters of a KEY's code. The longest that browsers send has 20."""

MAX_WHEEL_STEPS = 20
"""Steps of one WHEEL in either direction: each is two calls to QEMU."""

MIN_WINDOW, MAX_WINDOW = 64, 8192
"""Pixels of a RESIZE's width or height. QEMU itself checks nothing, and no picture of ours is larger."""

KEY, MOVE_TO, MOVE_BY, BUTTON, WHEEL, RELEASE_ALL, PING, WANT_STATS, WATCH, RESIZE = range(0x01, 0x0B)

_KEY_DOWN = 0x01
_MOVE_TO = struct.Struct(">HH")
_MOVE_BY = struct.Struct(">hh")
_BUTTON = struct.Struct(">BB")
_WHEEL = struct.Struct(">bb")
_PING = struct.Struct(">I")
_WANT_STATS = struct.Struct(">?")
_WATCH = struct.Struct(">?")
_RESIZE = struct.Struct(">HHHH")


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A physical key goes down (again, when it repeats) or up."""

    code: str
    """``KeyboardEvent.code``, 1 to 32 ASCII characters; not necessarily one that exists."""
    down: bool


@dataclass(frozen=True, slots=True)
class MoveTo:
    """The pointer is at this pixel of the guest's picture, 0 to 65535; it may lie outside the picture."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class MoveBy:
    """The mouse moved by this much: right and down are positive."""

    dx: int
    dy: int


@dataclass(frozen=True, slots=True)
class ButtonEvent:
    """A mouse button goes down or up."""

    button: int
    """``MouseEvent.button``, 0 to 255: 0 left, 1 middle, 2 right, 3 back, 4 forward; others exist."""
    down: bool


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel turned by this many steps, -20 to 20: right and down are positive."""

    dx: int
    dy: int


@dataclass(frozen=True, slots=True)
class ReleaseAll:
    """Every key and button that the viewer holds goes up."""


@dataclass(frozen=True, slots=True)
class Ping:
    """The viewer is there. The value, 0 to 2**32 - 1, comes back in a PONG."""

    value: int


@dataclass(frozen=True, slots=True)
class WantStats:
    """The viewer wants STATS from now on, or none any more."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """The viewer shows this console's picture from now on, or does not, and is then sent none."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class Resize:
    """The viewer would like the guest's picture to be of this size."""

    width: int
    """Pixels, 64 to 8192."""
    height: int
    width_mm: int
    """What those pixels measure in millimetres; 0 where the viewer does not know."""
    height_mm: int


InputMessage = (
    KeyEvent | MoveTo | MoveBy | ButtonEvent | Wheel | ReleaseAll | Ping | WantStats | Watch | Resize
)


def parse(data: bytes) -> InputMessage:
    """The value of one message of the ``input`` channel.

    Raises:
        ViewerProtocolError: the message is not one of the protocol; says what is wrong with it.
    """
    if not data:
        raise ViewerProtocolError("an empty input message")
    parser = _PARSERS.get(data[0])
    if parser is None:
        raise ViewerProtocolError(f"an input message of unknown type 0x{data[0]:02x}")
    body = data[1:]
    try:
        return parser(body)
    except struct.error:
        message = f"an input message of type 0x{data[0]:02x} with a body of {len(body)} bytes"
        raise ViewerProtocolError(message) from None


def _key(body: bytes) -> KeyEvent:
    code = body[1:]
    if not 1 <= len(code) <= MAX_CODE_LENGTH or not code.isascii():
        raise ViewerProtocolError(f"a KEY whose code is not 1 to {MAX_CODE_LENGTH} ASCII characters")
    return KeyEvent(code.decode("ascii"), down=bool(body[0] & _KEY_DOWN))


def _move_to(body: bytes) -> MoveTo:
    return MoveTo(*_MOVE_TO.unpack(body))


def _move_by(body: bytes) -> MoveBy:
    return MoveBy(*_MOVE_BY.unpack(body))


def _button(body: bytes) -> ButtonEvent:
    button, down = _BUTTON.unpack(body)
    return ButtonEvent(button, down=bool(down))


def _wheel(body: bytes) -> Wheel:
    dx, dy = _WHEEL.unpack(body)
    return Wheel(clamp(dx, -MAX_WHEEL_STEPS, MAX_WHEEL_STEPS), clamp(dy, -MAX_WHEEL_STEPS, MAX_WHEEL_STEPS))


def _release_all(body: bytes) -> ReleaseAll:
    if body:
        raise ViewerProtocolError(f"a RELEASE_ALL with a body of {len(body)} bytes")
    return ReleaseAll()


def _ping(body: bytes) -> Ping:
    return Ping(*_PING.unpack(body))


def _want_stats(body: bytes) -> WantStats:
    return WantStats(*_WANT_STATS.unpack(body))


def _watch(body: bytes) -> Watch:
    return Watch(*_WATCH.unpack(body))


def _resize(body: bytes) -> Resize:
    width, height, width_mm, height_mm = _RESIZE.unpack(body)
    return Resize(
        clamp(width, MIN_WINDOW, MAX_WINDOW), clamp(height, MIN_WINDOW, MAX_WINDOW), width_mm, height_mm
    )


_PARSERS: dict[int, Callable[[bytes], InputMessage]] = {
    KEY: _key,
    MOVE_TO: _move_to,
    MOVE_BY: _move_by,
    BUTTON: _button,
    WHEEL: _wheel,
    RELEASE_ALL: _release_all,
    PING: _ping,
    WANT_STATS: _want_stats,
    WATCH: _watch,
    RESIZE: _resize,
}


def clamp(value: int, low: int, high: int) -> int:
    """``value``, or the nearest bound where it lies outside."""
    return min(max(value, low), high)
