"""A picture as QEMU offers it with gl=on: file descriptors of a graphics card's memory, and what lies in it.

Sources: ``ScanoutDMABUF`` and ``Unix.ScanoutDMABUF2`` in QEMU's ``ui/dbus-display1.xml``; Linux's ``drm_fourcc.h``.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from libvirt_webrtc.errors import DisplayProtocolError
from libvirt_webrtc.picture.pixels import MAX_DIMENSION, Rect

LINEAR = 0
IMPLICIT = 0x00FFFFFFFFFFFFFF
"""``DRM_FORMAT_MOD_INVALID``: the exporter names no modifier."""

MAX_PLANES = 4
MAX_OFFSET = 2**31 - 1
"""EGL takes offsets and strides as signed numbers of 32 bits."""

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
    """Where one plane of the picture lies: at ``offset`` of ``fd``, rows ``stride`` bytes apart."""

    fd: int
    offset: int
    stride: int


@dataclass(frozen=True, slots=True)
class Dmabuf:
    """One scanout. Owns its file descriptors until :meth:`close`.

    Raises:
        DisplayProtocolError: when made of numbers that no picture has; the descriptors are closed then.
    """

    planes: tuple[DmabufPlane, ...]
    width: int
    """Of the whole buffer, in pixels; likewise ``height``."""
    height: int
    fourcc: int
    modifier: int
    part: Rect
    """The part of the buffer that is shown, in memory's rows."""
    bottom_up: bool
    """Memory's first row is the picture's last: what QEMU calls ``y0_top``, and means so."""

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
        """Close the descriptors; to be called once."""
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
        """A buffer that is too small imports on some drivers, and shows whatever lies behind it.

        Where the memory is tiled only the driver knows what it takes.
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
    """What ``ScanoutDMABUF`` tells; takes over ``fd``. Raises as :class:`Dmabuf`."""
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
    """What ``ScanoutDMABUF2`` tells; takes over ``fds``. Raises as :class:`Dmabuf`.

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
    """``XR24`` and the like; a number where it is not four printable characters."""
    text = fourcc.to_bytes(4, "little").decode("latin-1")
    return text if text.isascii() and text.isprintable() else f"{fourcc:#010x}"
