"""Memory for large message bodies, used again when the last view of it has gone."""

import weakref

import numpy as np
import numpy.typing as npt

KEPT_BODY_BYTES = 40 << 20
"""A buffer up to this size is kept for the next body, in bytes; a picture of 3840x2160 pixels has 33 MB."""
KEPT_BODIES = 2
"""Buffers kept: while one picture is shown and another is encoded, a third is read."""


class BodyBuffers:
    """Lends buffers. Each comes back by itself, from whichever thread drops the last view of it."""

    def __init__(self) -> None:
        self._kept: list[npt.NDArray[np.uint8]] = []

    def take(self, size: int) -> memoryview:
        """``size`` writable bytes, for as long as somebody holds a view of them. Their content is arbitrary."""
        try:
            memory = self._kept.pop()
        except IndexError:
            memory = np.empty(size, np.uint8)
        if len(memory) < size:
            # A larger mode has begun; the others are too small as well.
            self.trim()
            memory = np.empty(size, np.uint8)
        # Every view of a view keeps this one alive, but not the other way round.
        lent = np.frombuffer(memory.data, np.uint8, size)
        weakref.finalize(lent, self._give_back, memory).atexit = False
        return lent.data

    def trim(self) -> None:
        """Free the buffers that are not lent."""
        self._kept = []

    def _give_back(self, memory: npt.NDArray[np.uint8]) -> None:
        if len(self._kept) < KEPT_BODIES and len(memory) <= KEPT_BODY_BYTES:
            self._kept.append(memory)
