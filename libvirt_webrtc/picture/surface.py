"""A picture that lies in a graphics card's memory, as whoever encodes it sees it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from libvirt_webrtc.picture.pixels import Plane, Rect


@dataclass(frozen=True, slots=True)
class PlaneLayout:
    """Which planes a picture is to become; BT.601 always."""

    full_chroma: bool
    """4:4:4; else 4:2:0."""
    full_range: bool
    """Luma 0 to 255; else 16 to 235."""
    half_size: bool
    """Half the width and height, each pixel the mean of four."""


class Surface(Protocol):
    """What :class:`~libvirt_webrtc.picture.framebuffer.Framebuffer` holds instead of pixels.

    An encoder of the same graphics card would take the picture from here without reading it back: it needs one more
    method, that hands out the memory, and nothing else changes
    (docs/decisions/0010-gl-in-a-thread-and-two-steps.md).
    """

    @property
    def width(self) -> int:
        """In pixels, as the guest sees it."""

    @property
    def height(self) -> int: ...

    def to_planes(self, layout: PlaneLayout, planes: Sequence[Plane], damage: Iterable[Rect]) -> list[Rect]:
        """Bring Y, U and V up to date; ``damage`` is in the guest's pixels. Blocks: not for an event loop's thread.

        ``planes`` are of the even size that holds the picture; what is beyond it repeats its last column and row.

        Returns:
            The parts that were written, in pixels of the planes, with even edges.

        Raises:
            PictureLost: it cannot be read any more. Nothing is known of the planes then.
        """
