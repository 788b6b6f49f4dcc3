"""Reads the machine-readable parts of a demo guest's frame, also after a lossy 4:2:0 codec.

Frames are `(height, width, 3)` uint8, R, G, B, of the guest's size; for a frame that was scaled on its way,
`size` tells the guest's. Whatever cannot be read for certain (no finder, a wrong check, a grey cell: also a
picture that is flipped, shifted or half updated) reads as None.
"""

import functools
import operator

from .blocks import CELLS, FINDER, KEYS_CHECK, NONCE_CHECK, POINTER_CHECK, Key
from .layout import Layout, Pointer, Rect, Rgb

DARK_BELOW, LIGHT_ABOVE = 108, 148
"""A cell's mean luma must be clearly on one side."""

Size = tuple[int, int]


def _layout(rgb: Rgb, size: Size | None) -> Layout:
    return Layout(*size) if size else Layout(rgb.shape[1], rgb.shape[0])


def _luma(rgb: Rgb, layout: Layout, rect: Rect) -> float:
    """Mean luma of the middle half of a rectangle given in the guest's pixels."""
    sx, sy = rgb.shape[1] / layout.width, rgb.shape[0] / layout.height
    x0, x1 = (rect.x + rect.width / 4) * sx, (rect.x + rect.width * 3 / 4) * sx
    y0, y1 = (rect.y + rect.height / 4) * sy, (rect.y + rect.height * 3 / 4) * sy
    part = rgb[round(y0) : max(round(y1), round(y0) + 1), round(x0) : max(round(x1), round(x0) + 1)]
    red, green, blue = part.reshape(-1, 3).mean(axis=0)
    return float(0.299 * red + 0.587 * green + 0.114 * blue)


def _bit(luma: float) -> int | None:
    return 1 if luma > LIGHT_ABOVE else 0 if luma < DARK_BELOW else None


def _rows(rgb: Rgb, layout: Layout, rect: Rect, count: int, check: int) -> list[int] | None:
    """The block's rows without the last, which must be the others' exclusive or with check."""
    if rect.x < 0 or rect.y < 0 or layout.width < 800 or layout.height < 600:
        return None
    cell = rect.width // CELLS
    rows = []
    for row in range(count):
        value = 0
        for column in range(CELLS):
            at = Rect(rect.x + column * cell, rect.y + row * cell, cell, cell)
            bit = _bit(_luma(rgb, layout, at))
            if bit is None:
                return None
            value = value << 1 | bit
        rows.append(value)
    if functools.reduce(operator.xor, rows) != check:
        return None
    return rows[:-1]


def read_nonce(rgb: Rgb, size: Size | None = None) -> int | None:
    layout = _layout(rgb, size)
    rows = _rows(rgb, layout, layout.nonce, 4, FINDER ^ NONCE_CHECK)
    if rows is None or rows[0] != FINDER:
        return None
    return rows[1] << 16 | rows[2]


def read_pointer(rgb: Rgb, size: Size | None = None) -> Pointer | None:
    layout = _layout(rgb, size)
    rows = _rows(rgb, layout, layout.pointer_code, 4, POINTER_CHECK)
    if rows is None:
        return None
    wheel = rows[2] & 0xFF
    return Pointer(rows[0], rows[1], rows[2] >> 8, wheel - 256 if wheel > 127 else wheel)


def _key_rows(rgb: Rgb, size: Size | None) -> list[int] | None:
    layout = _layout(rgb, size)
    return _rows(rgb, layout, layout.keys, 12, KEYS_CHECK)


def read_keys(rgb: Rgb, size: Size | None = None) -> list[Key] | None:
    """The last key events, at most 16, the oldest first."""
    rows = _key_rows(rgb, size)
    if rows is None:
        return None
    keys = []
    for column in range(CELLS):
        bits = 0
        for row in rows[:10]:
            bits = bits << 1 | (row >> (CELLS - 1 - column) & 1)
        if bits & 0x200:
            keys.append(Key(bits & 0xFF, bool(bits & 0x100)))
    return keys


def read_key_count(rgb: Rgb, size: Size | None = None) -> int | None:
    """How many key events the guest has seen, modulo 65536."""
    rows = _key_rows(rgb, size)
    return None if rows is None else rows[10]


def read_patch(rgb: Rgb, size: Size | None = None) -> bool | None:
    """Whether the key patch is light: it toggles at each press and is dark at first."""
    layout = _layout(rgb, size)
    bit = _bit(_luma(rgb, layout, layout.patch))
    return None if bit is None else bool(bit)
