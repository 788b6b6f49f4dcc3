"""A picture as QEMU offers it with gl=on: file descriptors of a GPU's memory, and the picture's place in it.

Sources: ``ScanoutDMABUF`` and ``Unix.ScanoutDMABUF2`` in QEMU's ``ui/dbus-display1.xml``; Linux's ``drm_fourcc.h``.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from libvirt_webrtc.errors import DisplayProtocolError
from libvirt_webrtc.picture.pixels import MAX_DIMENSION, Rect

LINEAR = 0
IMPLICIT = 0x00FFFFFFFFFFFFFF
"""``DRM_FORMAT_MOD_INVALID``: the exporter names no modifier, and the driver knows the layout by itself."""

MAX_PLANES = 4
"""Planes that EGL can import (``EGL_EXT_image_dma_buf_import_modifiers``)."""
MAX_OFFSET = 2**31 - 1
"""EGL takes offsets and strides as signed 32-bit numbers."""

_FOUR_BYTES = frozenset(
    int.from_bytes(name.encode(), "little")
    for name in (
        "XR24",
        "AR24",
        "XB24",
        "AB24",
        "RX24",
        "RA24",
        "BX24",
        "BA24",
        "XR30",
        "AR30",
        "XB30",
        "AB30",
    )
)


@dataclass(frozen=True, slots=True)
class DmabufPlane:
    """One plane of the picture: it begins ``offset`` bytes into ``fd``, and its rows are ``stride`` bytes apart."""

    fd: int
    offset: int
    stride: int


@dataclass(frozen=True, slots=True)
class Dmabuf:
    """One scanout. Owns its file descriptors until :meth:`close`.

    Raises:
        DisplayProtocolError: the numbers fit no picture, or not the memory. The descriptors are closed then.
    """

    planes: tuple[DmabufPlane, ...]
    width: int
    """Width of the whole buffer in pixels; ``height`` likewise."""
    height: int
    fourcc: int
    modifier: int
    part: Rect
    """The part of the buffer that is shown; rows are counted as they lie in memory."""
    bottom_up: bool
    """The first row in memory is the picture's last. QEMU sends this as ``y0_top``; its name misleads."""

    def __post_init__(self) -> None:
        try:
            self._check()
        except DisplayProtocolError:
            self.close()
            raise

    def __str__(self) -> str:
        modifier = "implicit" if self.modifier == IMPLICIT else f"{self.modifier:#x}"
        return f"{self.width}x{self.height} pixels of format {fourcc_name(self.fourcc)}, modifier {modifier}"

    def close(self) -> None:
        """Close the descriptors. Call it once."""
        for fd in {plane.fd for plane in self.planes}:
            os.close(fd)

    def _check(self) -> None:
        part = self.part
        if not (0 < self.width <= MAX_DIMENSION and 0 < self.height <= MAX_DIMENSION):
            raise DisplayProtocolError(f"a DMA-BUF of {self.width}x{self.height} pixels")
        if part.width <= 0 or part.height <= 0 or part.clipped(self.width, self.height) != part:
            raise DisplayProtocolError(
                f"a part of {part.width}x{part.height} pixels at {part.x},{part.y} of a DMA-BUF of "
                f"{self.width}x{self.height}"
            )
        for plane in self.planes:
            if not 0 < plane.stride <= MAX_DIMENSION * 16 or not 0 <= plane.offset <= MAX_OFFSET:
                raise DisplayProtocolError(f"a DMA-BUF with stride {plane.stride} at {plane.offset}")
        self._check_size()

    def _check_size(self) -> None:
        """Refuse a buffer that is too small: some drivers import it, and show the memory that lies behind it.

        How many bytes a tiled layout takes only the driver knows, so those are not checked.
        """
        if self.modifier not in (LINEAR, IMPLICIT) or len(self.planes) > 1:
            return
        (plane,) = self.planes
        if self.fourcc in _FOUR_BYTES and plane.stride < 4 * self.width:
            raise DisplayProtocolError(f"stride {plane.stride} does not fit rows of {self.width} pixels")
        needed = plane.offset + plane.stride * self.height
        try:
            size = os.lseek(plane.fd, 0, os.SEEK_END)
        except OSError as error:
            raise DisplayProtocolError(f"what QEMU sent as a DMA-BUF is none: {error.strerror}") from error
        if size < needed:
            raise DisplayProtocolError(f"a DMA-BUF of {size} bytes, and {self} need {needed}")


def whole_buffer(
    fd: int, width: int, height: int, stride: int, fourcc: int, modifier: int, bottom_up: bool
) -> Dmabuf:
    """The picture that ``ScanoutDMABUF`` describes; takes over ``fd``. Raises as :class:`Dmabuf`."""
    return Dmabuf(
        (DmabufPlane(fd, 0, stride),), width, height, fourcc, modifier, Rect(0, 0, width, height), bottom_up
    )


def part_of_buffer(
    fds: Sequence[int],
    part: Rect,
    count: int,
    offsets: Sequence[int],
    strides: Sequence[int],
    backing: tuple[int, int],
    fourcc: int,
    modifier: int,
    bottom_up: bool,
) -> Dmabuf:
    """The picture that ``ScanoutDMABUF2`` describes; takes over ``fds``. Raises as :class:`Dmabuf`.

    QEMU sends one descriptor for each of ``count`` planes, or one for all of them.
    """
    if not 1 <= count <= MAX_PLANES or len(fds) not in (1, count) or {len(offsets), len(strides)} != {count}:
        for fd in fds:
            os.close(fd)
        raise DisplayProtocolError(
            f"a DMA-BUF of {count} planes with {len(fds)} descriptors, {len(offsets)} offsets and "
            f"{len(strides)} strides"
        )
    each = fds if len(fds) == count else list(fds) * count
    planes = tuple(map(DmabufPlane, each, offsets, strides))
    return Dmabuf(planes, *backing, fourcc, modifier, part, bottom_up)


def fourcc_name(fourcc: int) -> str:
    """The format as text, such as ``XR24``; as a number where it is not four printable characters."""
    text = fourcc.to_bytes(4, "little").decode("latin-1")
    return text if text.isascii() and text.isprintable() else f"{fourcc:#010x}"
