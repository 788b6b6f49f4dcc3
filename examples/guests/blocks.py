"""The machine-readable blocks of the demo guests' picture: rows of cells; in C this is `common/blocks.c`."""

from collections.abc import Sequence
from typing import NamedTuple

from .layout import Pointer

FINDER, NONCE_CHECK, POINTER_CHECK, KEYS_CHECK = 0xB38F, 0x5A5A, 0xA5A5, 0x3C3C
CELLS = 16
"""Cells in a row; the top bit is the left one, 1 is light."""
CELL = 16
"""A cell's side in layout units."""
KEY_HISTORY = 16
"""So many key events are shown."""


class Key(NamedTuple):
    """A key event: QEMU's number of the key (set 1; 0x80 added after E0) and whether it went down."""

    qnum: int
    down: bool


def nonce_rows(nonce: int) -> list[int]:
    high, low = nonce >> 16, nonce & 0xFFFF
    return [FINDER, high, low, high ^ low ^ NONCE_CHECK]


def pointer_rows(pointer: Pointer) -> list[int]:
    rows = [pointer.x, pointer.y, pointer.buttons << 8 | pointer.wheel & 0xFF]
    return [*rows, rows[0] ^ rows[1] ^ rows[2] ^ POINTER_CHECK]


def keys_rows(keys: Sequence[Key]) -> list[int]:
    rows = [0] * 10
    for back, key in enumerate(reversed(keys[-KEY_HISTORY:])):
        column = 0x200 | key.down << 8 | key.qnum
        for bit in range(10):
            rows[bit] |= (column >> (9 - bit) & 1) << back
    rows.append(len(keys) & 0xFFFF)
    check = KEYS_CHECK
    for row in rows:
        check ^= row
    return [*rows, check]
