"""The copy of a picture that a GPU holds, as encoders read it."""

import weakref
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from libvirt_webrtc.display.gl.thread import GraphicsThread, Urgency
from libvirt_webrtc.errors import GraphicsError, PictureLost
from libvirt_webrtc.picture.pixels import Plane, Rect
from libvirt_webrtc.picture.surface import PlaneLayout

if TYPE_CHECKING:
    from libvirt_webrtc.display.gl.context import Context
    from libvirt_webrtc.display.gl.picture import CardPicture

PART_PIXELS = 1 << 19
"""Pixels that are converted at once, a quarter of 1920x1080, before QEMU's jobs have their turn again. What QEMU draws
between two parts is damage of the next frame."""
ROWS = 16
"""Parts begin at a multiple of so many rows, where rows of all planes and layers begin."""

READ_S = 30.0
"""An encoder waits this long for one part, in seconds: a driver that hangs must not hold its thread for ever. It takes
milliseconds; software rendering on a host without free CPU time was seen to take more than five seconds."""


class CardSurface:
    """A picture in a GPU's memory (:class:`libvirt_webrtc.picture.surface.Surface`)."""

    def __init__(self, thread: GraphicsThread, card: "CardPicture") -> None:
        self.card = card
        self.width = card.width
        self.height = card.height
        self._thread = thread
        # An encoder may hold the last reference, in its own thread.
        weakref.finalize(self, thread.discard, card.close).atexit = False

    def to_planes(self, layout: PlaneLayout, planes: Sequence[Plane], damage: Iterable[Rect]) -> list[Rect]:
        """As the protocol says; blocks for at most ``READ_S`` for each part."""
        written = []
        for part in parts(damage):
            job = self._thread.submit(
                Urgency.ENCODER, partial(self._read, layout=layout, planes=planes, damage=part)
            )
            try:
                written += job.result(READ_S)
            except TimeoutError:
                job.cancel()
                raise PictureLost(f"the graphics driver has not answered for {READ_S:g} s") from None
            except GraphicsError as error:
                raise PictureLost(str(error)) from error
        return written

    def _read(
        self, context: "Context", layout: PlaneLayout, planes: Sequence[Plane], damage: Sequence[Rect]
    ) -> list[Rect]:
        return self.card.read(context, layout, planes, damage)


def parts(damage: Iterable[Rect]) -> Iterator[list[Rect]]:
    """``damage`` in portions of about ``PART_PIXELS``, cut at multiples of ``ROWS``."""
    part: list[Rect] = []
    pixels = 0
    for rect in damage:
        rows = max(PART_PIXELS // rect.width, ROWS) // ROWS * ROWS
        y = rect.y
        while y < rect.bottom:
            bottom = min((y // ROWS) * ROWS + rows, rect.bottom)
            if part and pixels + rect.width * (bottom - y) > PART_PIXELS:
                yield part
                part, pixels = [], 0
            part.append(Rect(rect.x, y, rect.width, bottom - y))
            pixels += rect.width * (bottom - y)
            y = bottom
    if part:
        yield part
