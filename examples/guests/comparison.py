"""Judges a received frame: is it the demo guest's picture, give or take a codec?"""

from dataclasses import dataclass

import numpy as np

from .layout import Layout, Rgb, dynamic_mask
from .painter import BARS
from .picture import expected
from .reading import read_nonce, read_pointer

BLOCK = 16
MEAN_LIMIT, BLOCK_LIMIT, COLOUR_LIMIT = 5.0, 20.0, 10.0
"""Limits of `Comparison.ok`; a usual real-time encode of the still picture stays well below."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far a frame is from the expected picture outside the dynamic zones. Errors in 8-bit steps."""

    nonce_ok: bool
    mean_abs_error: float
    """Over all static pixels and channels."""
    worst_block_error: float
    """Mean absolute luma error of the worst 16x16 block: a shift, wrong text, an old rectangle."""
    colour_error: float
    """Largest error of a colour bar's mean in a channel: swapped channels, a wrong matrix or range."""

    @property
    def ok(self) -> bool:
        return (
            self.nonce_ok
            and self.mean_abs_error <= MEAN_LIMIT
            and self.worst_block_error <= BLOCK_LIMIT
            and self.colour_error <= COLOUR_LIMIT
        )


def compare(rgb: Rgb, nonce: int, *, moving: str = "stage", words: bool = False) -> Comparison:
    """Compares a frame of the guest's own size.

    moving as for `dynamic_mask()`; words: the guest shows F8's screen (then say moving="nothing"). A frame of
    no guest's size (below 800x600) is never ok.
    """
    height, width = rgb.shape[:2]
    if width < 800 or height < 600:
        return Comparison(False, 255.0, 255.0, 255.0)
    want = expected(width, height, nonce, words=words)
    static = ~dynamic_mask(width, height, moving=moving, pointer=read_pointer(rgb))
    difference = np.abs(rgb.astype(np.int16) - want)
    mean = float(difference[static].mean())

    weights = np.array([0.299, 0.587, 0.114])
    luma = np.where(static, np.abs(rgb @ weights - want @ weights), 0)
    rows, columns = height // BLOCK, width // BLOCK
    blocks = luma[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))

    colour = 0.0
    if not words and moving != "zone":
        bars, margin = Layout(width, height).bars, 8
        for i in range(len(BARS)):
            x0, x1 = bars.x + bars.width * i // 8 + margin, bars.x + bars.width * (i + 1) // 8 - margin
            part = (slice(bars.y + margin, bars.y + bars.height - margin), slice(x0, x1))
            if static[part].all():
                error = np.abs(rgb[part].mean(axis=(0, 1)) - want[part].mean(axis=(0, 1)))
                colour = max(colour, float(error.max()))
    return Comparison(read_nonce(rgb) == nonce, mean, float(np.max(blocks)), colour)
