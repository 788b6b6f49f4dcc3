"""A picture in a graphics card's memory, as its encoder sees it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from libvirt_webrtc.picture.pixels import Plane, Rect


@dataclass(frozen=True, slots=True)
class PlaneLayout:
    """The planes that a picture is converted to; always BT.601."""

    full_chroma: bool
    """4:4:4, or else 4:2:0."""
    full_range: bool
    """Luma 0 to 255, or else 16 to 235."""
    scale: int
    """How many pixels in a row become one, which is the mean of them all: 1, 2 or 4."""


class Surface(Protocol):
    """What a :class:`~libvirt_webrtc.picture.framebuffer.Framebuffer` holds in place of pixels.

    An encoder of the same graphics card could take the picture from here without reading it back: that needs one more
    method, which hands out the memory, and nothing else
    (docs/decisions/0010-gl-in-a-thread-and-two-steps.md).
    """

    @property
    def width(self) -> int:
        """In pixels, as the guest sees it."""

    @property
    def height(self) -> int: ...

    def to_planes(self, layout: PlaneLayout, planes: Sequence[Plane], damage: Iterable[Rect]) -> list[Rect]:
        """Bring Y, U and V up to date; ``damage`` is in the guest's pixels. Blocks: call it in a thread.

        ``planes`` are of the even size that holds the picture; columns and rows beyond it repeat its last ones.

        Returns:
            The parts that were written, in pixels of the planes, with even edges.

        Raises:
            PictureLost: the picture cannot be read any more; the planes may hold anything then.
        """
