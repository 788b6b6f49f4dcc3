"""Where things are in the demo guests' picture, and what may move there; in C this is `common/layout.h`.

Pictures are `(height, width, 3)` uint8, R, G, B.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]

CROSS_ARM = 16
"""The crosshair's reach from the pointer in pixels."""


class Rect(NamedTuple):
    """A rectangle in pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its index into a picture."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


class Pointer(NamedTuple):
    """Where the guest believes the pointer to be.

    Buttons: bit 0 left, 1 middle, 2 right, 3 side, 4 extra. The wheel counts up steps, -128 to 127, and wraps.
    """

    x: int
    y: int
    buttons: int = 0
    wheel: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in a picture of this size (at least 800x600)."""

    width: int
    height: int

    @property
    def unit(self) -> int:
        """Pixels to a layout unit."""
        return max(1, min(self.width // 1280, self.height // 720))

    def _scaled(self, x: int, y: int, width: int, height: int) -> Rect:
        """From units; a negative x counts from the right edge."""
        u = self.unit
        return Rect((x if x >= 0 else self.width // u + x) * u, y * u, width * u, height * u)

    @property
    def zone(self) -> Rect:
        """Dynamic in scroll and motion; what words fills."""
        return self._scaled(0, 0, self.width // self.unit - 304, self.height // self.unit - 48)

    @property
    def stage(self) -> Rect:
        """Dynamic in demo and small; inside zone."""
        return self._scaled(24, 228, self.width // self.unit - 336, self.height // self.unit - 284)

    @property
    def bars(self) -> Rect:
        """The eight colour bars, side by side."""
        return self._scaled(24, 160, self.width // self.unit - 336, 40)

    @property
    def nonce(self) -> Rect:
        """The nonce's block: finder, high half, low half, check."""
        return self._scaled(-280, 24, 256, 64)

    @property
    def pointer(self) -> Rect:
        """Dynamic: the pointer's text line and, below, its block: x, y, buttons and wheel, check."""
        return self._scaled(-280, 112, 256, 88)

    @property
    def pointer_code(self) -> Rect:
        return self._scaled(-280, 136, 256, 64)

    @property
    def patch(self) -> Rect:
        """Dynamic: dark at first, toggles at each key press."""
        return self._scaled(-280, 224, 96, 64)

    @property
    def last_key(self) -> Rect:
        """Dynamic: the last key as text."""
        return self._scaled(-172, 224, 148, 64)

    @property
    def keys(self) -> Rect:
        """Dynamic: the last 16 key events, a column each, the newest right: valid, down, 8 bits of qnum; then
        a row with the count of events, and a row of checks."""
        return self._scaled(-280, 296, 256, 192)

    def cross(self, x: int, y: int) -> Rect:
        """Dynamic: the crosshair at the pointer, once that has moved."""
        x0, y0 = max(x - CROSS_ARM, 0), max(y - CROSS_ARM, 0)
        x1, y1 = min(x + CROSS_ARM + 1, self.width), min(y + CROSS_ARM + 1, self.height)
        return Rect(x0, y0, x1 - x0, y1 - y0)


def dynamic_mask(
    width: int, height: int, *, moving: str = "stage", pointer: Pointer | None = None
) -> npt.NDArray[np.bool_]:
    """True where a guest of this size may differ from `expected()`, (height, width).

    moving: "nothing" (still and words), "stage" (demo, small) or "zone" (scroll, motion).
    """
    layout = Layout(width, height)
    rects = [layout.pointer, layout.patch, layout.last_key, layout.keys]
    if moving != "nothing":
        rects.append(layout.stage if moving == "stage" else layout.zone)
    if pointer is not None:
        rects.append(layout.cross(pointer.x, pointer.y))
    mask = np.zeros((height, width), np.bool_)
    for rect in rects:
        mask[rect.slices] = True
    return mask
