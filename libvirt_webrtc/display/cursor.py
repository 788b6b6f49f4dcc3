"""The guest's pointer as QEMU hands it on from the guest's driver: checked, and its pixels made fit for a canvas."""

from dataclasses import dataclass

import numpy as np

from libvirt_webrtc.errors import DisplayProtocolError

MAX_CURSOR = 512
"""Largest width or height of a cursor, in pixels. QEMU itself takes none that is larger (``cursor_alloc``)."""


@dataclass(frozen=True, slots=True)
class CursorShape:
    """A pointer's picture and the point of it that points."""

    width: int
    height: int
    hot_x: int
    hot_y: int
    pixels: bytes
    """``width * height * 4`` bytes B, G, R, A, the top row first."""


NO_CURSOR = CursorShape(0, 0, 0, 0, b"")
"""The guest shows no pointer of its own, or one that cannot be shown."""


def cursor_shape(width: int, height: int, hot_x: int, hot_y: int, pixels: bytes) -> CursorShape:
    """The shape that ``CursorDefine`` tells; :data:`NO_CURSOR` for one without any pixels.

    A hot spot outside the picture is moved to its nearest pixel: virtio-gpu takes the guest's hot spot unchecked.

    Raises:
        DisplayProtocolError: larger than ``MAX_CURSOR``, or ``pixels`` are not as many as that takes.
    """
    if 0 in (width, height) and not pixels:
        return NO_CURSOR
    if not (0 < width <= MAX_CURSOR and 0 < height <= MAX_CURSOR) or len(pixels) != width * height * 4:
        raise DisplayProtocolError(f"a cursor of {width}x{height} pixels in {len(pixels)} bytes")
    return CursorShape(
        width, height, min(max(hot_x, 0), width - 1), min(max(hot_y, 0), height - 1), bytes(pixels)
    )


def straight_rgba(pixels: bytes) -> bytes:
    """B, G, R, A as in ``CursorDefine`` to R, G, B and straight alpha.

    QEMU does not say whether colours are multiplied by alpha, and drivers differ: virtio-gpu's are (Linux' cursor
    planes), others' are not. A colour brighter than its alpha cannot have been multiplied; then none is taken to be.
    Where there is no such colour, all are taken to be multiplied. Opaque, transparent and black pixels are the same
    either way.
    """
    bgra = np.frombuffer(pixels, np.uint8).reshape(-1, 4)
    rgba = bgra[:, [2, 1, 0, 3]]
    alpha = rgba[:, 3:].astype(np.uint16)
    partial = (alpha > 0) & (alpha < 255)
    if ((rgba[:, :3] <= alpha) | ~partial).all():
        divided = (rgba[:, :3].astype(np.uint16) * 255 + alpha // 2) // np.maximum(alpha, 1)
        rgba[:, :3] = np.where(partial, divided, rgba[:, :3])
    return rgba.tobytes()
