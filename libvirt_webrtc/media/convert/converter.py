"""Converts the changed part of a framebuffer into the picture that an encoder reads."""

from collections.abc import Iterable

import av
import numpy as np

from libvirt_webrtc.media.convert.yuv import Backend, default_backend, plane_view
from libvirt_webrtc.media.convert.yuv444 import FullChromaBackend, new_full_chroma_backend
from libvirt_webrtc.picture.pixels import Pixels, Rect
from libvirt_webrtc.picture.surface import PlaneLayout, Surface

SMPTE170M = 6
"""BT.601's matrix, primaries and transfer, by their common number in ITU-T H.273."""

LIMITED_RANGE = 1
"""FFmpeg's ``AVCOL_RANGE_MPEG``: luma 16 to 235."""
FULL_RANGE = 2
"""``AVCOL_RANGE_JPEG``: luma 0 to 255."""


def encoded_size(width: int, height: int, scale: int = 1) -> tuple[int, int]:
    """Width and height of the encoded picture: divided by ``scale`` (1, 2 or 4), then rounded up to even numbers."""
    step = 2 * scale
    return -(-width // step) * step // scale, -(-height // step) * step // scale


class FrameConverter:
    """Keeps one planar picture of a console, and converts only what has changed.

    There is no second buffer: whoever owns a converter calls :meth:`convert` and then encodes :attr:`frame` in the
    same worker thread, so nobody reads the planes while they are written. The *source* may change meanwhile (the guest
    draws, the display stores an update): what was read half-drawn is reported as damage again, and converted with the
    next frame. A surface converts itself in the graphics card.

    Args:
        width, height: size of the source in pixels; 1 to 8192.
        full_chroma: make 4:4:4, in the range that :attr:`frame` tells; else 4:2:0 in limited range.
        scale: how many pixels in a row become one, which is the mean of them all: 1, 2 or 4.
        backend, full_chroma_backend: libraries to use in place of the best ones that are installed.
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        full_chroma: bool = False,
        scale: int = 1,
        backend: Backend | None = None,
        full_chroma_backend: FullChromaBackend | None = None,
    ) -> None:
        self.width = width
        self.height = height
        self._backend = backend or default_backend()
        self._scale = scale
        # Blocks begin and end in the source where pixels that share a chroma value in the target do.
        self._step = 2 * scale
        size = encoded_size(width, height, scale)
        if full_chroma:
            full = full_chroma_backend or new_full_chroma_backend()
            self._to_planes, self._chroma_step = full.to_i444, 1
            self.frame = av.VideoFrame(*size, "yuv444p")
            self.frame.color_range = FULL_RANGE if full.full_range else LIMITED_RANGE
        else:
            self._to_planes, self._chroma_step = self._backend.to_i420, 2
            self.frame = av.VideoFrame(*size, "yuv420p")
            self.frame.color_range = LIMITED_RANGE
        self.frame.colorspace = SMPTE170M
        full_range = self.frame.color_range == FULL_RANGE
        self._layout = PlaneLayout(full_chroma, full_range, scale)
        self._planes = tuple(plane_view(plane) for plane in self.frame.planes)

    def convert(self, picture: Pixels | Surface, damage: Iterable[Rect]) -> list[Rect]:
        """Bring the parts ``damage`` of the picture up to date, from ``(height, width, 4)`` pixels or a surface.

        Returns:
            The parts of :attr:`frame` that were written.

        Raises:
            PictureLost: the surface cannot be read any more.
        """
        if not isinstance(picture, np.ndarray):
            return picture.to_planes(self._layout, self._planes, damage)
        return [self._convert(picture, self._aligned(rect)) for rect in damage]

    def _aligned(self, rect: Rect) -> Rect:
        """``rect`` grown to whole blocks; it may reach beyond the source at the right and the bottom."""
        step = self._step
        x, y = rect.x // step * step, rect.y // step * step
        return Rect(x, y, -(-rect.right // step) * step - x, -(-rect.bottom // step) * step - y)

    def _convert(self, pixels: Pixels, rect: Rect) -> Rect:
        block = pixels[rect.y : rect.bottom, rect.x : rect.right]
        rows, columns = rect.height - block.shape[0], rect.width - block.shape[1]
        if rows or columns:
            # Odd sizes are rare, so a copy is made, which repeats the last column and row.
            block = np.pad(block, ((0, rows), (0, columns), (0, 0)), mode="edge")
        for _ in range(self._scale.bit_length() - 1):
            block = self._backend.halve(block)
        x, y = rect.x // self._scale, rect.y // self._scale
        height, width = block.shape[:2]
        luma, *chroma = self._planes
        step = self._chroma_step
        u, v = (plane[y // step : (y + height) // step, x // step : (x + width) // step] for plane in chroma)
        self._to_planes(block, luma[y : y + height, x : x + width], u, v)
        return Rect(x, y, width, height)
