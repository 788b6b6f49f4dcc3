"""Which part of a picture has changed since a reader last looked: pure, one cursor for each reader."""

from collections.abc import Callable

from libvirt_webrtc.picture.pixels import Rect

MAX_DAMAGE_RECTS = 16
"""The largest number of rectangles that a cursor keeps. More are merged into one, because converting some unchanged
pixels costs less than many calls of the converter."""


class DamageCursor:
    """One reader's place in the changes of a picture; :meth:`Framebuffer.subscribe` makes it.

    Args:
        wake: called, without arguments, when the first change after :meth:`take` has been made. It must be cheap, must
            not raise, and may call :meth:`take`.
        leave: takes the cursor off the picture's list of readers.
    """

    def __init__(self, wake: Callable[[], None], leave: Callable[["DamageCursor"], None]) -> None:
        self._wake = wake
        self._leave = leave
        self._rects: list[Rect] = []

    @property
    def pending(self) -> bool:
        """Whether anything has changed since the last :meth:`take`."""
        return bool(self._rects)

    def take(self) -> tuple[Rect, ...]:
        """Return what has changed since the last call (or since the reader subscribed), and forget it.

        Returns:
            At most :data:`MAX_DAMAGE_RECTS` rectangles inside the picture; they may overlap.
        """
        rects, self._rects = self._rects, []
        return tuple(rects)

    def close(self) -> None:
        """Stop reading: nothing is collected for this cursor any more. Idempotent."""
        self._rects = []
        self._leave(self)

    # Called by the framebuffer

    def add(self, rect: Rect) -> None:
        """Note that ``rect``, which lies inside the picture, has changed."""
        was_clean = not self._rects
        merged = rect
        rest = []
        for other in self._rects:
            if merged.touches(other):
                merged = merged.union(other)
            else:
                rest.append(other)
        if len(rest) >= MAX_DAMAGE_RECTS:
            for other in rest:
                merged = merged.union(other)
            rest = []
        rest.append(merged)
        self._rects = rest
        if was_clean:
            self._wake()

    def clip(self, width: int, height: int) -> None:
        """Forget changes outside a picture that has this size from now on."""
        clipped = (rect.clipped(width, height) for rect in self._rects)
        self._rects = [rect for rect in clipped if rect is not None]
