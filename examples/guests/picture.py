"""The demo guests' picture, painted again: what a frame of theirs must look like, pixel by pixel.

The counterpart of `common/scene.c`, which the guests run. `reading.py` reads the machine-readable parts of a received
frame; `comparison.py` judges one.
"""

from collections.abc import Sequence

from .blocks import Key
from .layout import Pointer, Rgb
from .painter import Painter


def expected(
    width: int,
    height: int,
    nonce: int,
    *,
    words: bool = False,
    keys: Sequence[Key] = (),
    pointer: Pointer | None = None,
) -> Rgb:
    """The still picture (or, after F8, the words) of a guest that has seen these events.

    keys: all since it started, not only the last 16. pointer: None as long as it has not been touched.
    """
    painter = Painter(width, height)
    painter.static(nonce)
    if words:
        painter.words(nonce)
    painter.keys(keys)
    painter.pointer(pointer or Pointer(width // 2, height // 2))
    if pointer is not None:
        painter.cross(pointer)
    return painter.picture
