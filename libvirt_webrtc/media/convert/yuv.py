"""Converts B, G, R, X pixels to planar 4:2:0, by libyuv where it is installed, else by PyAV.

Both make BT.601 in limited range, because every decoder shows that correctly, even one that ignores what the stream
tells of its colours.
"""

import ctypes.util
import functools
import logging
from typing import Any, Protocol

import av
import cffi
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.picture.pixels import Pixels, Plane

logger = logging.getLogger(__name__)

_LIBYUV_CDEF = """
int ARGBToI420(const uint8_t *src, int stride_src, uint8_t *y, int stride_y, uint8_t *u, int stride_u,
               uint8_t *v, int stride_v, int width, int height);
int ARGBToI444(const uint8_t *src, int stride_src, uint8_t *y, int stride_y, uint8_t *u, int stride_u,
               uint8_t *v, int stride_v, int width, int height);
int ARGBScale(const uint8_t *src, int stride_src, int width_src, int height_src,
              uint8_t *dst, int stride_dst, int width_dst, int height_dst, int filtering);
"""
_LIBYUV_NAMES = ("libyuv.so.0", "libyuv.so")
_FILTER_BOX = 3


class Backend(Protocol):
    """One library's conversion to 4:2:0.

    Blocks are ``(height, width, 4)`` of even sizes, multiples of four where they are to be halved; their rows
    need not be contiguous.
    """

    name: str

    def to_i420(self, block: Pixels, y: Plane, u: Plane, v: Plane) -> None:
        """Convert ``block`` into planes of exactly its size."""

    def halve(self, block: Pixels) -> Pixels:
        """``block`` at half its width and height, each pixel the mean of four."""


class LibyuvBackend:
    """libyuv, through cffi's ABI mode, which needs no compiler and no header; its calls release the GIL."""

    name = "libyuv"

    def __init__(self) -> None:
        self._ffi = cffi.FFI()
        self._ffi.cdef(_LIBYUV_CDEF)
        self._lib = self._open()

    def _open(self) -> Any:
        found = ctypes.util.find_library("yuv")
        for name in (*_LIBYUV_NAMES, *((found,) if found else ())):
            try:
                return self._ffi.dlopen(name)
            except OSError:
                continue
        raise MediaError("libyuv is not installed")

    def to_i420(self, block: Pixels, y: Plane, u: Plane, v: Plane) -> None:
        self._convert(self._lib.ARGBToI420, block, y, u, v)

    def _convert(self, function: Any, block: Pixels, y: Plane, u: Plane, v: Plane) -> None:
        height, width = block.shape[:2]
        planes = (argument for plane in (y, u, v) for argument in self._pointer(plane))
        if function(*self._pointer(block), *planes, width, height):
            raise MediaError(f"libyuv could not convert {width}x{height} pixels")

    def halve(self, block: Pixels) -> Pixels:
        height, width = block.shape[:2]
        half = np.empty((height // 2, width // 2, 4), np.uint8)
        source = (*self._pointer(block), width, height)
        if self._lib.ARGBScale(*source, *self._pointer(half), width // 2, height // 2, _FILTER_BOX):
            raise MediaError(f"libyuv could not scale {width}x{height} pixels")
        return half

    def _pointer(self, array: Pixels) -> tuple[Any, int]:
        return self._ffi.cast("uint8_t *", array.ctypes.data), array.strides[0]


class PyavBackend:
    """FFmpeg's swscale, which comes with PyAV and takes several times the CPU of libyuv.

    It converts to 4:4:4, and numpy takes the mean of four: swscale's own 4:2:0 also looks at pixels around the four
    that share a colour, so that the edges of converted damage would be seen.
    """

    name = "PyAV"

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def to_i420(self, block: Pixels, y: Plane, u: Plane, v: Plane) -> None:
        luma, *chroma = swscale_444(self._reformatter, block, ColorRange.MPEG)
        y[:] = luma
        for target, plane in zip((u, v), chroma, strict=True):
            target[:] = _mean_of_four(plane)

    def halve(self, block: Pixels) -> Pixels:
        return _mean_of_four(block)


def swscale_444(reformatter: VideoReformatter, block: Pixels, color_range: ColorRange) -> list[Plane]:
    """The planes of ``block`` in 4:4:4, by FFmpeg; a reformatter keeps its tables from one call to the next."""
    source = av.VideoFrame.from_ndarray(np.ascontiguousarray(block), format="bgra")
    made = reformatter.reformat(
        source, format="yuv444p", dst_colorspace=Colorspace.ITU601, dst_color_range=color_range
    )
    return [plane_view(plane) for plane in made.planes]


def _mean_of_four(plane: Pixels) -> Pixels:
    """Half the rows and columns, each value the rounded mean of a square of four."""
    wide = plane.astype(np.uint16)
    rows = wide[0::2] + wide[1::2]
    half: Pixels = ((rows[:, 0::2] + rows[:, 1::2] + 2) >> 2).astype(np.uint8)
    return half


def plane_view(plane: av.video.plane.VideoPlane) -> Plane:
    """The plane's picture part as an array that shares its memory."""
    rows: Plane = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


@functools.cache
def default_backend() -> Backend:
    """The library that this process converts with. It is chosen and logged at the first call."""
    try:
        backend: Backend = LibyuvBackend()
    except MediaError as error:
        logger.warning("%s: colours are converted by PyAV, which costs more CPU", error)
        backend = PyavBackend()
    else:
        logger.debug("colours are converted by libyuv")
    return backend
