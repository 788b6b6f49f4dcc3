"""Rectangles and pixels, and the formats in which QEMU sends pixels: pure."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from libvirt_webrtc.errors import DisplayProtocolError

Pixels = npt.NDArray[np.uint8]
Plane = Pixels
"""One plane of a picture, ``(rows, bytes of a row)``, writable, not necessarily contiguous."""
Buffer = bytes | bytearray | memoryview

MAX_DIMENSION = 8192
"""The largest width or height, in pixels, that is accepted from a guest: 8K displays have 7680. It bounds the memory
that a picture can take."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels, origin at the top left."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def clipped(self, width: int, height: int) -> "Rect | None":
        """The part inside a picture of ``width`` x ``height`` pixels; None when there is none."""
        x, y = max(self.x, 0), max(self.y, 0)
        right, bottom = min(self.right, width), min(self.bottom, height)
        return Rect(x, y, right - x, bottom - y) if right > x and bottom > y else None

    def union(self, other: "Rect") -> "Rect":
        """The smallest rectangle that contains both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Rect(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def touches(self, other: "Rect") -> bool:
        """Whether the two overlap or share an edge."""
        # Asked many times for each update of the guest: the properties right and bottom would double its time.
        return (
            self.x <= other.x + other.width
            and other.x <= self.x + self.width
            and self.y <= other.y + other.height
            and other.y <= self.y + self.height
        )


class PixelFormat(IntEnum):
    """pixman's format codes, as QEMU sends them (``bpp<<24 | type<<16 | a<<12 | r<<8 | g<<4 | b``)."""

    X8R8G8B8 = 0x20020888
    A8R8G8B8 = 0x20028888
    X8B8G8R8 = 0x20030888
    A8B8G8R8 = 0x20038888
    B8G8R8X8 = 0x20080888
    B8G8R8A8 = 0x20088888
    R8G8B8X8 = 0x20090888
    R8G8B8 = 0x18020888
    R5G6B5 = 0x10020565
    X1R5G5B5 = 0x10020555

    @property
    def bytes_per_pixel(self) -> int:
        return self.value >> 27

    @property
    def is_bgrx(self) -> bool:
        """Whether the bytes are B, G, R, X already, so that nothing needs to be converted."""
        return self in (PixelFormat.X8R8G8B8, PixelFormat.A8R8G8B8)


# Which byte of a little-endian pixel holds blue, green and red, where they are not simply in this order.
_BGR_BYTES: dict[PixelFormat, tuple[int, int, int]] = {
    PixelFormat.X8B8G8R8: (2, 1, 0),
    PixelFormat.A8B8G8R8: (2, 1, 0),
    PixelFormat.B8G8R8X8: (3, 2, 1),
    PixelFormat.B8G8R8A8: (3, 2, 1),
    PixelFormat.R8G8B8X8: (1, 2, 3),
    PixelFormat.R8G8B8: (0, 1, 2),
}


def format_of(code: int) -> PixelFormat:
    """The format of one of pixman's codes. Raises DisplayProtocolError for one that is not supported."""
    try:
        return PixelFormat(code)
    except ValueError:
        raise DisplayProtocolError(f"pixel format {code:#010x} is not supported") from None


def check_size(width: int, height: int) -> None:
    """Raise DisplayProtocolError unless a picture may have this size."""
    if not (0 < width <= MAX_DIMENSION and 0 < height <= MAX_DIMENSION):
        raise DisplayProtocolError(f"a picture of {width}x{height} pixels is not supported")


def check_position(x: int, y: int, width: int, height: int) -> None:
    """Raise DisplayProtocolError unless a picture may contain this rectangle."""
    check_size(width, height)
    if not (0 <= x <= MAX_DIMENSION - width and 0 <= y <= MAX_DIMENSION - height):
        raise DisplayProtocolError(
            f"a rectangle at {x},{y} of {width}x{height} pixels is outside any picture"
        )


def view_of(width: int, height: int, stride: int, pixel_format: int, data: Buffer) -> Pixels:
    """``data`` as ``(height, width, bytes per pixel)``, without a copy.

    Raises:
        DisplayProtocolError: size, stride, format and number of bytes do not fit together.
    """
    check_size(width, height)
    size = format_of(pixel_format).bytes_per_pixel
    # The last row may end at its last pixel.
    needed = stride * (height - 1) + width * size
    if stride < width * size or stride > MAX_DIMENSION * 16:
        raise DisplayProtocolError(f"stride {stride} does not fit rows of {width} pixels")
    flat = np.frombuffer(data, np.uint8)
    if flat.size < needed:
        raise DisplayProtocolError(f"{flat.size} bytes are too few for {width}x{height} with stride {stride}")
    return np.lib.stride_tricks.as_strided(flat, (height, width, size), (stride, size, 1))


def convert(source: Pixels, kind: PixelFormat, target: Pixels) -> None:
    """Write ``source``, a :func:`view_of` this format, into B, G, R, X pixels of the same size."""
    if kind.is_bgrx:
        target[:] = source
    elif kind in _BGR_BYTES:
        for channel, byte in enumerate(_BGR_BYTES[kind]):
            target[..., channel] = source[..., byte]
    else:
        _expand_16_bit(target, source, kind)


def _expand_16_bit(target: Pixels, view: Pixels, kind: PixelFormat) -> None:
    packed = view[..., 0].astype(np.uint16) | (view[..., 1].astype(np.uint16) << 8)
    green_bits = 6 if kind is PixelFormat.R5G6B5 else 5
    blue = packed & 0x1F
    green = (packed >> 5) & ((1 << green_bits) - 1)
    red = (packed >> (5 + green_bits)) & 0x1F
    target[..., 0] = (blue << 3 | blue >> 2).astype(np.uint8)
    target[..., 1] = (green << (8 - green_bits) | green >> (2 * green_bits - 8)).astype(np.uint8)
    target[..., 2] = (red << 3 | red >> 2).astype(np.uint8)
