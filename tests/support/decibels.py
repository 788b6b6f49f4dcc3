"""How far a received picture is from the one that was sent, as peak signal to noise ratios."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from examples.guests.layout import Rgb

_LUMA = np.array([0.299, 0.587, 0.114])


class Decibels(NamedTuple):
    """PSNR of BT.601 luma and of each channel; 99 where nothing differs."""

    luma: float
    red: float
    green: float
    blue: float


def decibels(rgb: Rgb, want: Rgb, mask: npt.NDArray[np.bool_]) -> Decibels:
    """Compare two pictures of the same size, in the pixels where ``mask`` is True."""
    error = rgb[mask].astype(np.float64) - want[mask]
    squares = (np.mean((error @ _LUMA) ** 2), *np.mean(error**2, axis=0))
    return Decibels(*(round(min(10 * float(np.log10(255**2 / max(s, 1e-9))), 99.0), 1) for s in squares))


def rounded(rgb: Rgb) -> Rgb:
    """Return what full range BT.601 in 8 bits leaves of a picture without a codec; no decoder is nearer, but by luck.

    A colour whose green falls between two steps is wrong by one everywhere: a dark screen can be at 49 dB so.
    """
    red, green, blue = (rgb[..., channel].astype(np.float64) for channel in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    y, u, v = (
        np.rint(plane).clip(-128, 255) for plane in (luma, (blue - luma) / 1.772, (red - luma) / 1.402)
    )
    channels = (y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u)
    return np.rint(np.stack(channels, axis=-1)).clip(0, 255).astype(np.uint8)


def as_sharp_as_can_be(rgb: Rgb, want: Rgb, mask: npt.NDArray[np.bool_], target: float) -> bool:
    """At least ``target`` dB in luma and each channel; where rounding alone is below that, all but 1 dB of it."""
    limits = decibels(rounded(want), want, mask)
    return all(
        got >= min(target, limit - 1) for got, limit in zip(decibels(rgb, want, mask), limits, strict=True)
    )
