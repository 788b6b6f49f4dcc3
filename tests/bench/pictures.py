"""What consoles show, as sequences of B, G, R, X pictures, painted as the demo guests paint."""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

from examples.guests.layout import Layout, Rgb
from examples.guests.picture import expected
from libvirt_webrtc.picture.pixels import Pixels, Rect

Scene = Iterator[tuple[Pixels, Rect]]
"""Pictures, each with what differs from the one before."""

SIZES = {"800p": (1280, 800), "1080p": (1920, 1080), "4k": (3840, 2160)}

_NONCE = 0xC0FFEE


def scenes(width: int, height: int, frames: int) -> dict[str, list[tuple[Pixels, Rect]]]:
    """By name: a blinking caret, a terminal that scrolls by a line, a picture that moves as a whole."""
    makers: dict[str, Callable[[int, int], Scene]] = {"caret": _caret, "scroll": scroll, "motion": _motion}
    return {name: list(islice(make(width, height), frames)) for name, make in makers.items()}


def scroll(width: int, height: int) -> Scene:
    """Coloured words that move up by a line with each picture."""
    layout = Layout(width, height)
    zone, line = layout.zone, 16 * layout.unit
    rows = zone.height // line * line
    screen = expected(width, height, _NONCE, words=True)
    text = np.concatenate([screen[:rows], expected(width, height, _NONCE + 1, words=True)[:rows]])
    top = 0
    while True:
        screen[:rows, : zone.width] = np.take(text, range(top, top + rows), axis=0, mode="wrap")[
            :, : zone.width
        ]
        yield _bgrx(screen), Rect(0, 0, zone.width, rows)
        top += line


def _caret(width: int, height: int) -> Scene:
    screen = _bgrx(expected(width, height, _NONCE, words=True))
    rect = Rect(64, 64, 8, 16)
    while True:
        screen = screen.copy()
        screen[rect.y : rect.bottom, rect.x : rect.right, :3] ^= 0xFF
        yield screen, rect


def _motion(width: int, height: int) -> Scene:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [np.sin(x / (20 + 7 * n) + n) * np.cos(y / (30 - 5 * n)) for n in range(3)]
    noise = np.random.default_rng(1).normal(0, 6, (height, width, 1))
    picture: npt.NDArray[np.float64] = np.stack(waves, axis=-1) * 90 + 128 + noise
    rgb = picture.clip(0, 255).astype(np.uint8)
    shift = 0
    while True:
        yield _bgrx(np.roll(rgb, (shift, 2 * shift), axis=(0, 1))), Rect(0, 0, width, height)
        shift += 3


def _bgrx(rgb: Rgb) -> Pixels:
    return np.dstack([rgb[..., ::-1], np.full(rgb.shape[:2], 255, np.uint8)])
