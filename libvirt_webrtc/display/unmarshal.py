"""Reads D-Bus values from bytes that may be hostile.

dbus-fast's own reader cannot be used for these: compiled, it crashes the process on a variant whose signature is empty
(5.2.0, ``SignatureTree.root_type`` of no types), and it takes strings with NUL bytes, which it then refuses to send.
Every read here is checked against the end of the data, and the number of values is limited, because a body of
a megabyte can hold hundreds of thousands of them.

Source: D-Bus specification, "Marshaling (Wire Format)".
"""

import functools
import struct
from typing import Any, NamedTuple

from dbus_fast import Variant

from libvirt_webrtc.errors import DisplayProtocolError

MAX_SIGNATURE_BYTES = 255
"""The specification's limit for a signature."""

MAX_DEPTH = 64
"""The specification's limit for values in values, variants included."""

MAX_VALUES = 16 * 1024
"""Values of one message. QEMU's largest message, the object tree of 64 consoles, has about 2,000."""

_FIXED = {"y": "B", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d", "b": "I", "h": "I"}
"""Types of a fixed size, and their format in ``struct``."""
_STRUCTS = {(code, order): struct.Struct(order + letter) for code, letter in _FIXED.items() for order in "<>"}


class Unreadable(DisplayProtocolError):
    """Bytes that are no D-Bus message: nothing after them in the stream can be trusted."""


class _Type(NamedTuple):
    """One complete type of a signature."""

    code: str
    parts: "tuple[_Type, ...]" = ()


class Reader:
    """Reads values one after the other.

    Attributes:
        at: where the next value begins, before its alignment.
    """

    def __init__(self, data: bytes, *, little_endian: bool, at: int = 0, end: int | None = None) -> None:
        """
        Args:
            data: what is read; its first byte has the alignment of a message's first one.
            little_endian: the byte order.
            at, end: where to begin, and where the last value must end.
        """
        self.at = at
        self._data = data
        self._end = len(data) if end is None else end
        self._order = "<" if little_endian else ">"
        self._values_left = MAX_VALUES
        self._depth = 0

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.at >= self._end

    def read(self, signature: str) -> list[Any]:
        """The values of this signature. Raises Unreadable."""
        return [self._value(kind) for kind in _types(signature)]

    def variant(self) -> Variant:
        """One variant. Raises Unreadable."""
        signature = self._signature()
        types = _types(signature)
        if len(types) != 1:
            raise Unreadable(f"a D-Bus variant of signature {signature!r}")
        self._enter()
        value = self._value(types[0])
        self._depth -= 1
        return Variant(signature, value, False)

    def align(self, size: int) -> None:
        """Go on at the next multiple of ``size``."""
        self.at += -self.at % size

    def byte(self) -> int:
        """One byte. Raises Unreadable."""
        return self._data[self._take(1)]

    def _value(self, kind: _Type) -> Any:
        self._values_left -= 1
        if self._values_left < 0:
            raise Unreadable(f"a D-Bus message of more than {MAX_VALUES} values")
        code = kind.code
        if code in _FIXED:
            return self._fixed(code)
        if code in "so":
            return self._string(self._fixed("u"))
        if code == "g":
            return self._signature()
        if code == "v":
            return self.variant()
        if code == "a":
            return self._array(kind.parts[0])
        self.align(8)
        self._enter()
        values = tuple(self._value(part) for part in kind.parts)
        self._depth -= 1
        return values

    def _array(self, item: _Type) -> bytes | list[Any] | dict[Any, Any]:
        size = self._fixed("u")
        self.align(_alignment(item.code))
        if item.code == "y":
            start = self._take(size)
            return self._data[start : self.at]
        end = self.at + size
        if end > self._end:
            raise Unreadable("a D-Bus array that ends early")
        self._enter()
        items = []
        while self.at < end:
            items.append(self._value(item))
        self._depth -= 1
        if self.at != end:
            raise Unreadable("a D-Bus array whose last value ends late")
        try:
            return dict(items) if item.code == "{" else items
        except TypeError as error:
            raise Unreadable("a D-Bus dictionary whose keys are containers") from error

    def _fixed(self, code: str) -> Any:
        layout = _STRUCTS[code, self._order]
        self.at += -self.at % layout.size
        (value,) = layout.unpack_from(self._data, self._take(layout.size))
        if code != "b":
            return value
        if value > 1:
            raise Unreadable(f"a D-Bus boolean of {value}")
        return value == 1

    def _signature(self) -> str:
        return self._string(self.byte())

    def _string(self, size: int) -> str:
        start = self._take(size + 1)
        raw = self._data[start : self.at - 1]
        if self._data[self.at - 1] or b"\0" in raw:
            raise Unreadable("a D-Bus string with a NUL byte, or without its last one")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise Unreadable("a D-Bus string that is not UTF-8") from error

    def _take(self, size: int) -> int:
        """Where the next ``size`` bytes begin; they count as read."""
        start = self.at
        self.at = start + size
        if self.at > self._end:
            raise Unreadable("a D-Bus message that ends early")
        return start

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unreadable(f"a D-Bus value nested more than {MAX_DEPTH} deep")


def _alignment(code: str) -> int:
    if code in _FIXED:
        return struct.calcsize("<" + _FIXED[code])
    return 8 if code in "({" else 1 if code in "gv" else 4


@functools.lru_cache(maxsize=256)
def _types(signature: str) -> tuple[_Type, ...]:
    """The complete types of a signature. Raises Unreadable where it is none."""
    if len(signature.encode()) > MAX_SIGNATURE_BYTES:
        raise Unreadable(f"a D-Bus signature of {len(signature.encode())} bytes")
    types: list[_Type] = []
    at = 0
    while at < len(signature):
        kind, at = _type(signature, at, depth=0)
        types.append(kind)
    return tuple(types)


def _type(signature: str, at: int, depth: int) -> tuple[_Type, int]:
    """The complete type at this place, and where it ends."""
    invalid = Unreadable(f"a D-Bus signature that is none: {signature!r}")
    code = signature[at : at + 1]
    at += 1
    if depth > MAX_DEPTH or not code:
        raise invalid
    if code in _FIXED or code in "sogv":
        return _Type(code), at
    if code == "a":
        item, end = (
            _entry(signature, at + 1, depth)
            if signature[at : at + 1] == "{"
            else _type(signature, at, depth + 1)
        )
        return _Type("a", (item,)), end
    if code != "(":
        raise invalid
    parts: list[_Type] = []
    while signature[at : at + 1] != ")":
        part, at = _type(signature, at, depth + 1)
        parts.append(part)
    if not parts:
        raise invalid
    return _Type("(", tuple(parts)), at + 1


def _entry(signature: str, at: int, depth: int) -> tuple[_Type, int]:
    """A dictionary's entry, after its opening brace."""
    key, at = _type(signature, at, depth + 1)
    value, at = _type(signature, at, depth + 1)
    if key.code in "av(" or signature[at : at + 1] != "}":
        raise Unreadable(f"a D-Bus signature that is none: {signature!r}")
    return _Type("{", (key, value)), at + 1
