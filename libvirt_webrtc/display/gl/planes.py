"""A texture to the planes of an encoder: the GPU draws them, and they are read back through a pixel buffer."""

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from libvirt_webrtc.display.gl.api import delete, es2, es3, new
from libvirt_webrtc.display.gl.context import Context
from libvirt_webrtc.display.gl.shaders import fragments
from libvirt_webrtc.errors import GraphicsError
from libvirt_webrtc.picture.pixels import Plane, Rect
from libvirt_webrtc.picture.surface import PlaneLayout

STEP = 8
"""Rectangles are as wide as a multiple of this, so that chroma of half the width is read in whole texels."""
TEXEL = 4
"""Neighbouring values of a plane that one texel holds."""

READ_LIMIT_NS = 1_000_000_000
"""Limit for drawing and reading back, in nanoseconds; a GPU that takes longer is taken to hang."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """One rectangle of one plane, in values, and its offset in the pixel buffer in bytes."""

    plane: int
    area: Rect
    offset: int

    @property
    def size(self) -> int:
        return self.area.width * self.area.height


class _Target:
    """Textures of one size, one for each plane, that one shader fills at once."""

    def __init__(self, planes: Sequence[int], width: int, height: int, divisor: int) -> None:
        """``width``, ``height``: size of the planes in values. ``divisor``: the picture's size divided by it."""
        self.planes = planes
        self.divisor = divisor
        self.textures = []
        self.framebuffer = new(es2.glGenFramebuffers)
        es2.glBindFramebuffer(es2.GL_FRAMEBUFFER, self.framebuffer)
        buffers = []
        for index in range(len(planes)):
            texture = new_texture(-(-width // TEXEL), height)
            self.textures.append(texture)
            attachment = es2.GL_COLOR_ATTACHMENT0 + index
            es2.glFramebufferTexture2D(es2.GL_FRAMEBUFFER, attachment, es2.GL_TEXTURE_2D, texture, 0)
            buffers.append(attachment)
        es3.glDrawBuffers(len(buffers), (ctypes.c_uint32 * len(buffers))(*buffers))
        check_framebuffer()

    def close(self) -> None:
        delete(es2.glDeleteFramebuffers, self.framebuffer)
        delete(es2.glDeleteTextures, *self.textures)


class PlaneReader:
    """Reads pictures of one size into planes of one layout. Used in the context's thread only."""

    def __init__(self, context: Context, layout: PlaneLayout, width: int, height: int) -> None:
        """``width``, ``height``: size of the luma plane in values, both even."""
        self._context = context
        self._layout = layout
        self._fragments = fragments(layout)
        wide = -(-width // STEP) * STEP
        if layout.full_chroma:
            self._targets = [_Target((0, 1, 2), wide, height, 1)]
        else:
            self._targets = [_Target((0,), wide, height, 1), _Target((1, 2), wide // 2, height // 2, 2)]
        self._whole = Rect(0, 0, wide, height)
        self._capacity = sum(piece.size for piece in self._pieces([self._whole]))
        self._buffer = new(es2.glGenBuffers)
        es2.glBindBuffer(es3.GL_PIXEL_PACK_BUFFER, self._buffer)
        es2.glBufferData(es3.GL_PIXEL_PACK_BUFFER, self._capacity, None, es3.GL_STREAM_READ)
        es2.glBindBuffer(es3.GL_PIXEL_PACK_BUFFER, 0)

    def read(
        self, texture: int, last: tuple[int, int], planes: Sequence[Plane], damage: Iterable[Rect]
    ) -> list[Rect]:
        """As ``Surface.to_planes``; ``last`` is the last column and row of the picture in ``texture``."""
        areas = [self._aligned(rect) for rect in damage]
        pieces = list(self._pieces(areas))
        if sum(piece.size for piece in pieces) > self._capacity:
            # The rectangles overlap: read the whole picture once.
            areas = [self._whole]
            pieces = list(self._pieces(areas))
        self._draw(texture, last, areas)
        es2.glBindBuffer(es3.GL_PIXEL_PACK_BUFFER, self._buffer)
        try:
            self._read_back(pieces)
            self._wait()
            self._store(pieces, planes)
        finally:
            es2.glBindBuffer(es3.GL_PIXEL_PACK_BUFFER, 0)
        height, width = planes[0].shape
        return [area for area in (area.clipped(width, height) for area in areas) if area is not None]

    def close(self) -> None:
        """Free the GPU's memory. Call it once."""
        for target in self._targets:
            target.close()
        delete(es2.glDeleteBuffers, self._buffer)

    def _aligned(self, rect: Rect) -> Rect:
        """A rectangle in guest pixels as one in pixels of the luma plane, grown to whole texels of all planes."""
        scale = self._layout.scale
        step = STEP * scale
        x, y = rect.x // step * STEP, rect.y // (2 * scale) * 2
        right = min(-(-rect.right // step) * STEP, self._whole.width)
        bottom = min(-(-rect.bottom // (2 * scale)) * 2, self._whole.height)
        return Rect(x, y, right - x, bottom - y)

    def _pieces(self, areas: Iterable[Rect]) -> Iterator[_Piece]:
        offset = 0
        for area in areas:
            for target in self._targets:
                for plane in target.planes:
                    piece = _Piece(plane, _divided(area, target.divisor), offset)
                    yield piece
                    offset += piece.size

    def _draw(self, texture: int, last: tuple[int, int], areas: Sequence[Rect]) -> None:
        for target, fragment in zip(self._targets, self._fragments, strict=True):
            program = self._context.program(fragment)
            program.set(picture=(0,), last=last)
            es2.glActiveTexture(es2.GL_TEXTURE0)
            es2.glBindTexture(es2.GL_TEXTURE_2D, texture)
            es2.glBindFramebuffer(es2.GL_FRAMEBUFFER, target.framebuffer)
            for area in areas:
                program.draw(*_texels(_divided(area, target.divisor)))

    def _read_back(self, pieces: Iterable[_Piece]) -> None:
        places = {
            plane: (target.framebuffer, es2.GL_COLOR_ATTACHMENT0 + index)
            for target in self._targets
            for index, plane in enumerate(target.planes)
        }
        for piece in pieces:
            framebuffer, attachment = places[piece.plane]
            es2.glBindFramebuffer(es2.GL_FRAMEBUFFER, framebuffer)
            es3.glReadBuffer(attachment)
            where = ctypes.c_void_p(piece.offset)
            es2.glReadPixels(*_texels(piece.area), es2.GL_RGBA, es2.GL_UNSIGNED_BYTE, where)

    def _wait(self) -> None:
        fence = es3.glFenceSync(es3.GL_SYNC_GPU_COMMANDS_COMPLETE, 0)
        try:
            done = es3.glClientWaitSync(fence, es3.GL_SYNC_FLUSH_COMMANDS_BIT, READ_LIMIT_NS)
        finally:
            es3.glDeleteSync(fence)
        if done not in (es3.GL_ALREADY_SIGNALED, es3.GL_CONDITION_SATISFIED):
            raise GraphicsError("the GPU has not finished drawing within a second")

    def _store(self, pieces: Sequence[_Piece], planes: Sequence[Plane]) -> None:
        size = pieces[-1].offset + pieces[-1].size
        address = es3.glMapBufferRange(es3.GL_PIXEL_PACK_BUFFER, 0, size, es3.GL_MAP_READ_BIT)
        memory: Any = np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_uint8)), (size,))
        for piece in pieces:
            area, plane = piece.area, planes[piece.plane]
            values = memory[piece.offset : piece.offset + piece.size].reshape(area.height, area.width)
            target = plane[area.y : area.bottom, area.x : area.right]
            target[:] = values[:, : target.shape[1]]
        if not es3.glUnmapBuffer(es3.GL_PIXEL_PACK_BUFFER):
            raise GraphicsError("the graphics card lost what was read back")


def new_texture(width: int, height: int) -> int:
    """A texture of four bytes a texel, to be read without filtering."""
    texture = new(es2.glGenTextures)
    es2.glBindTexture(es2.GL_TEXTURE_2D, texture)
    es2.glTexParameteri(es2.GL_TEXTURE_2D, es2.GL_TEXTURE_MIN_FILTER, es2.GL_NEAREST)
    es3.glTexStorage2D(es2.GL_TEXTURE_2D, 1, es3.GL_RGBA8, width, height)
    return texture


def check_framebuffer() -> None:
    """Raises GraphicsError where the bound framebuffer cannot be drawn into."""
    status = es2.glCheckFramebufferStatus(es2.GL_FRAMEBUFFER)
    if status != es2.GL_FRAMEBUFFER_COMPLETE:
        raise GraphicsError(f"no framebuffer to draw into: {int(status):#x}")


def _divided(area: Rect, divisor: int) -> Rect:
    return Rect(area.x // divisor, area.y // divisor, area.width // divisor, area.height // divisor)


def _texels(area: Rect) -> tuple[int, int, int, int]:
    return area.x // TEXEL, area.y, area.width // TEXEL, area.height
