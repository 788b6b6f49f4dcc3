"""Converts B, G, R, X pixels to planar 4:4:4, in full range where an installed library can do that.

Limited range has 219 steps of brightness in place of 256, a loss that is seen in coloured text.
"""

import functools
import logging
from typing import Any, Protocol

import cffi
from av.video.reformatter import ColorRange, VideoReformatter

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.convert.yuv import LibyuvBackend, swscale_444
from libvirt_webrtc.picture.pixels import Pixels, Plane

logger = logging.getLogger(__name__)

_TURBOJPEG_CDEF = """
void *tjInitCompress(void);
int tjDestroy(void *handle);
int tjEncodeYUVPlanes(void *handle, const uint8_t *src, int width, int pitch, int height, int pixel_format,
                      uint8_t **planes, int *strides, int subsampling, int flags);
"""
_TURBOJPEG_NAMES = ("libturbojpeg.so.0", "libturbojpeg.so")
_TJPF_BGRX = 3
_TJSAMP_444 = 0


class FullChromaBackend(Protocol):
    """One library's conversion to 4:4:4, BT.601; for one thread at a time."""

    name: str
    full_range: bool
    """Whether luma is 0 to 255, as in JPEG, not 16 to 235."""

    def to_i444(self, block: Pixels, y: Plane, u: Plane, v: Plane) -> None:
        """Convert ``block``, ``(height, width, 4)``, into planes of exactly its size."""


class TurboJpegBackend:
    """The colour conversion of libjpeg-turbo's compressor: rounds every value correctly, by SIMD, without the GIL."""

    name = "libjpeg-turbo"
    full_range = True

    def __init__(self) -> None:
        self._ffi = cffi.FFI()
        self._ffi.cdef(_TURBOJPEG_CDEF)
        self._lib = self._open()
        self._handle = self._ffi.gc(self._lib.tjInitCompress(), self._lib.tjDestroy)

    def _open(self) -> Any:
        for name in _TURBOJPEG_NAMES:
            try:
                return self._ffi.dlopen(name)
            except OSError:
                continue
        raise MediaError("libturbojpeg is not installed")

    def to_i444(self, block: Pixels, y: Plane, u: Plane, v: Plane) -> None:
        height, width = block.shape[:2]
        pointer = functools.partial(self._ffi.cast, "uint8_t *")
        planes = self._ffi.new("uint8_t *[]", [pointer(plane.ctypes.data) for plane in (y, u, v)])
        strides = self._ffi.new("int[]", [plane.strides[0] for plane in (y, u, v)])
        source = (pointer(block.ctypes.data), width, block.strides[0], height, _TJPF_BGRX)
        if self._lib.tjEncodeYUVPlanes(self._handle, *source, planes, strides, _TJSAMP_444, 0):
            raise MediaError(f"libjpeg-turbo could not convert {width}x{height} pixels")


class LibyuvFullChromaBackend(LibyuvBackend):
    """libyuv, whose version in Debian 12 makes 4:4:4 in limited range only."""

    full_range = False

    def to_i444(self, block: Pixels, y: Plane, u: Plane, v: Plane) -> None:
        self._convert(self._lib.ARGBToI444, block, y, u, v)


class PyavFullChromaBackend:
    """FFmpeg's swscale, which comes with PyAV."""

    name = "PyAV"
    full_range = True

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def to_i444(self, block: Pixels, y: Plane, u: Plane, v: Plane) -> None:
        for target, plane in zip(
            (y, u, v), swscale_444(self._reformatter, block, ColorRange.JPEG), strict=True
        ):
            target[:] = plane


_BACKENDS: tuple[type[FullChromaBackend], ...] = (
    TurboJpegBackend,
    LibyuvFullChromaBackend,
    PyavFullChromaBackend,
)


def new_full_chroma_backend() -> FullChromaBackend:
    """Open the best library that is installed, anew for each converter: libjpeg-turbo's state is for one thread."""
    return _best_backend()()


@functools.cache
def _best_backend() -> type[FullChromaBackend]:
    """The best library that is installed. It is chosen and logged at the first call."""
    for backend in _BACKENDS:
        try:
            name = backend().name
        except MediaError as error:
            logger.warning("4:4:4 video: %s", error)
        else:
            logger.info("4:4:4 video is converted by %s", name)
            return backend
    raise AssertionError("PyAV is always there")
