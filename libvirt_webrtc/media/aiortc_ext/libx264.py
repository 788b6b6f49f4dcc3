"""Calls libx264 itself, through cffi's ABI mode, for what FFmpeg's wrapper of it cannot do.

The wrapper cannot set one frame's quantizer, so its only way to a quality that changes is a rate control that first
looks at every frame in half size, which takes a third of a frame's CPU. Nor does it pass on which macroblocks have not
changed. The library is the one that PyAV has loaded, so nothing more has to be installed.
"""

import functools
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.aiortc_ext import libx264_check, libx264_library
from libvirt_webrtc.media.aiortc_ext.libx264_library import (
    CSP_I420,
    CSP_I444,
    TYPE_AUTO,
    TYPE_IDR,
    UNCHANGED,
    Library,
)
from libvirt_webrtc.picture.pixels import Plane

logger = logging.getLogger(__name__)

MACROBLOCK = 16
"""Width and height of a macroblock, in pixels."""

LOWEST_QP, HIGHEST_QP = 2, 42
"""The range of quantizers. libx264 holds a frame's own quantizer between what a P frame would have and what I and B
frames would have; with the ratios below these are 20 steps to either side."""
_SETTINGS = {
    "qp": str((LOWEST_QP + HIGHEST_QP) // 2),
    "ipratio": "10",
    "pbratio": "10",
    "keyint": "infinite",
    "force-cfr": "1",
    "log": "0",
}


class Encoder:
    """Encodes one stream of a picture in the caller's memory, whenever the caller asks for a frame.

    Args:
        planes: luma and both chromas, 4:2:0 or 4:4:4; read by each :meth:`encode`.
        settings: names and values as the command ``x264`` takes them. They come on top of its preset *ultrafast*, its
            tuning *zerolatency*, and what lets :meth:`encode` decide on quantizers and keyframes.
        profile: the highest profile that the stream may have.

    Raises:
        MediaError: PyAV's libx264 is of another build, or does not take the settings or the size.
    """

    def __init__(self, planes: Sequence[Plane], settings: Mapping[str, str], profile: str) -> None:
        library = load()
        self._ffi, self._lib = library.ffi, library.lib
        self._planes = planes
        height, width = planes[0].shape
        parameters = library.default_parameters()
        parameters.width, parameters.height = width, height
        full_chroma = planes[1].shape == planes[0].shape
        parameters.csp = CSP_I444 if full_chroma else CSP_I420
        parameters.mb_info = 1
        for name, value in (_SETTINGS | dict(settings)).items():
            if self._lib.x264_param_parse(parameters, name.encode(), value.encode()):
                raise MediaError(f"libx264 does not know {name}={value}")
        if self._lib.x264_param_apply_profile(parameters, profile.encode()):
            raise MediaError(f"libx264 cannot make the profile {profile} with these settings")
        handle = library.open_encoder(parameters)
        self._lib.x264_param_cleanup(parameters)
        if handle == self._ffi.NULL:
            raise MediaError(f"libx264 does not take {width}x{height}")
        self._handle = self._ffi.gc(handle, self._lib.x264_encoder_close)
        self.macroblocks = -(-height // MACROBLOCK), -(-width // MACROBLOCK)
        """Rows and columns."""
        self._unchanged = np.zeros(self.macroblocks, np.uint8)
        self._nals, self._count = self._ffi.new("x264_nal_t **"), self._ffi.new("int *")
        self._picture, self._made = self._ffi.new("x264_picture_t *"), self._ffi.new("x264_picture_t *")
        self._lib.x264_picture_init(self._picture)
        self._picture.csp, self._picture.planes = parameters.csp, len(planes)
        for number, plane in enumerate(planes):
            self._picture.plane[number] = self._pointer(plane)
            self._picture.strides[number] = plane.strides[0]
        self._picture.mb_info = self._pointer(self._unchanged)

    def encode(self, quantizer: int, changed: npt.NDArray[np.bool_], *, keyframe: bool) -> tuple[bytes, bool]:
        """Encode the picture as it is now. Blocks; cffi releases the GIL meanwhile.

        Args:
            quantizer: :data:`LOWEST_QP`, the finest, to :data:`HIGHEST_QP`.
            changed: ``(rows, columns)``, true for macroblocks that differ from the last call's. libx264 does not look
                at the others, where they were encoded as fine as this before.

        Returns:
            The data, and whether it is a keyframe.

        Raises:
            MediaError: libx264 failed.
        """
        self._unchanged[:] = np.where(changed, 0, UNCHANGED)
        picture = self._picture
        picture.type = TYPE_IDR if keyframe else TYPE_AUTO
        picture.qp_plus_1 = quantizer + 1
        picture.pts += 1
        size = self._lib.x264_encoder_encode(self._handle, self._nals, self._count, picture, self._made)
        if size <= 0:
            raise MediaError("libx264 failed" if size else "libx264 held a frame back")
        # The NAL units of one call follow each other in memory.
        return bytes(self._ffi.buffer(self._nals[0][0].payload, size)), bool(self._made.keyframe)

    def _pointer(self, array: Plane) -> Any:
        return self._ffi.cast("uint8_t *", array.ctypes.data)


@functools.cache
def is_usable() -> bool:
    """Whether PyAV's libx264 is one that is known here; if not, the first call logs why."""
    try:
        load()
    except MediaError as error:
        logger.warning("%s: H.264 costs more CPU", error)
        return False
    return True


@functools.cache
def load() -> Library:
    """The library, found and checked once for this process and those that it forks.

    Raises:
        MediaError: there is none, or one of another build, or with other structures.
    """
    library = libx264_library.find()
    libx264_check.check(library)
    return library
