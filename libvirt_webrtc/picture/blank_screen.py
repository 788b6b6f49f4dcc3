"""Recognizes the picture that QEMU shows in place of a guest that shows nothing.

Without OpenGL there is no message for that. QEMU writes a line into the middle of a black picture, in the font and the
grey of its text console (``ui/console.c``, qemu_create_placeholder_surface).
"""

import zlib

import numpy as np
import numpy.typing as npt

_COLUMN, _ROW = 8, 16
"""Width and height of a letter in pixels (QEMU's ``vgafont.h``)."""

_DIGESTS = {
    len("Display output is not active."): 0x1DBE692A,
    len("Guest has not initialized the display (yet)."): 0xA7FE3E71,
}
"""The CRC-32 of each line as QEMU 7.2 and 10.0 draw it, one bit a pixel, by the line's number of letters."""


def is_placeholder(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether a picture, ``(height, width, 4)`` B, G, R, X, is QEMU's; takes little time where it is not."""
    height, width = pixels.shape[:2]
    y = (height // _ROW - 1) // 2 * _ROW
    for letters, wanted in _DIGESTS.items():
        x = (width // _COLUMN - letters) // 2 * _COLUMN
        if x < 0 or y < 0:
            continue
        line = pixels[y : y + _ROW, x : x + letters * _COLUMN, :3]
        if _digest(line) == wanted:
            return int(np.count_nonzero(pixels[..., :3])) == int(np.count_nonzero(line))
    return False


def _digest(line: npt.NDArray[np.uint8]) -> int:
    """The CRC-32 of which pixels are not black."""
    return zlib.crc32(np.packbits(line.any(axis=2)).tobytes())
