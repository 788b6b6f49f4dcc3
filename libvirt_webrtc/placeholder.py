"""QEMU's own picture in place of a guest that shows nothing.

A display without OpenGL has no message for that: QEMU draws "Display output is not active." in the middle of a black
picture of the last size (``ui/console.c``, qemu_create_placeholder_surface), in its text console's font and grey.
"""

import zlib

import numpy as np
import numpy.typing as npt

_COLUMN, _ROW = 8, 16
"""A letter's size in pixels (QEMU's ``vgafont.h``)."""
_LETTERS = len("Display output is not active.")
_DIGEST = 0
"""CRC-32 of the letters' pixels, a bit each, as QEMU 7.2 and 10.0 draw them."""


def is_placeholder(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether the picture, ``(height, width, 4)`` B, G, R, X, is that one; costs little where it is not."""
    height, width = pixels.shape[:2]
    x = (width // _COLUMN - _LETTERS) // 2 * _COLUMN
    y = (height // _ROW - 1) // 2 * _ROW
    if x < 0 or y < 0:
        return False
    text = pixels[y : y + _ROW, x : x + _LETTERS * _COLUMN, :3]
    if digest(text) != _DIGEST:
        return False
    return int(np.count_nonzero(pixels[..., :3])) == int(np.count_nonzero(text))


def digest(text: npt.NDArray[np.uint8]) -> int:
    """Of which pixels are not black."""
    return zlib.crc32(np.packbits(text.any(axis=2)).tobytes())
