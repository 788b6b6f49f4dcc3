"""libx264 itself, through cffi's ABI mode: what FFmpeg's wrapper of it keeps from us.

FFmpeg cannot set one frame's quantizer, so its only way to a quality that changes is a rate control that first looks at
every frame in half size: a third of the CPU of a frame. Nor does it pass on which macroblocks have not changed. The
library is the very one that PyAV has loaded, so nothing more has to be installed.
"""

import functools
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import av  # noqa: F401  # loads libx264
import cffi
import numpy as np
import numpy.typing as npt

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.picture.pixels import Plane

logger = logging.getLogger(__name__)

MACROBLOCK = 16
"""Width and height of what H.264 encodes at a time, in pixels."""

LOWEST_QP, HIGHEST_QP = 2, 42
"""A frame's own quantizer is held between what a P frame would have and what I and B frames would: 20 steps at most."""
_SETTINGS = {
    "qp": str((LOWEST_QP + HIGHEST_QP) // 2),
    "ipratio": "10",
    "pbratio": "10",
    "keyint": "infinite",
    "force-cfr": "1",
    "log": "0",
}

_BUILDS = (165, 164)
"""Their ``x264.h`` agree on all that is used here; what it is not is in arrays and in room at the end."""
_CDEF = """
typedef struct {
    uint32_t cpu;
    int threading[6];
    int width, height, csp, bit_depth, level, frame_total;
    int hrd_and_vui[10];
    int references, dpb_size, keyint_max, keyint_min, scenecut, intra_refresh;
    int gop[8];
    int deblocking[3], entropy[2], interlaced, constrained_intra;
    int cqm_preset;
    char *cqm_file;
    uint8_t cqm[320];
    void *log, *log_private;
    int log_level, full_recon;
    char *dump;
    unsigned partitions[2];
    int analysis[16];
    float psy_rd, psy_trellis;
    int psy, mb_info, mb_info_update;
    int luma_deadzone[2];
    char rest[4096];
} x264_param_t;
typedef struct {
    int type, qp_plus_1, pic_struct, keyframe;
    int64_t pts, dts;
    void *param;
    int csp, planes;
    int strides[4];
    uint8_t *plane[4];
    float *quant_offsets;
    void *quant_offsets_free;
    uint8_t *mb_info;
    char rest[1024];
} x264_picture_t;
typedef struct { int header[6]; uint8_t *payload; int padding; } x264_nal_t;
int x264_param_default_preset(x264_param_t *, const char *preset, const char *tune);
int x264_param_parse(x264_param_t *, const char *name, const char *value);
int x264_param_apply_profile(x264_param_t *, const char *profile);
void x264_param_cleanup(x264_param_t *);
void x264_picture_init(x264_picture_t *);
int x264_encoder_encode(void *, x264_nal_t **, int *count, x264_picture_t *in, x264_picture_t *out);
void x264_encoder_close(void *);
"""
_TYPE_AUTO, _TYPE_IDR = 0, 1
_CSP_I420, _CSP_I444 = 0x2, 0xC
_UNCHANGED = 1
"""``X264_MBINFO_CONSTANT``."""
_DEFAULTS = {"bit_depth": 8, "keyint_max": 250, "mb_info": 0, "mb_info_update": 0}
_DEFAULT_DEADZONE = [21, 11]


class Encoder:
    """One stream: a picture in memory of the caller's, encoded whenever it says so.

    Args:
        planes: luma and both chromas, 4:2:0 or 4:4:4; read by each :meth:`encode`.
        settings: as the command ``x264`` has them, upon its preset *ultrafast*, its tuning *zerolatency*, and what
            lets :meth:`encode` decide on quantizers and keyframes.
        profile: the highest that the stream may be of.

    Raises:
        MediaError: PyAV's libx264 is of another build, or does not take the settings or the size.
    """

    def __init__(self, planes: Sequence[Plane], settings: Mapping[str, str], profile: str) -> None:
        self._ffi, self._lib, opening = _library()
        self._planes = planes
        height, width = planes[0].shape
        parameters = _default_parameters(self._ffi, self._lib)
        parameters.width, parameters.height = width, height
        full_chroma = planes[1].shape == planes[0].shape
        parameters.csp = _CSP_I444 if full_chroma else _CSP_I420
        parameters.mb_info = 1
        for name, value in (_SETTINGS | dict(settings)).items():
            if self._lib.x264_param_parse(parameters, name.encode(), value.encode()):
                raise MediaError(f"libx264 does not know {name}={value}")
        if self._lib.x264_param_apply_profile(parameters, profile.encode()):
            raise MediaError(f"libx264 cannot make the profile {profile} with these settings")
        handle = opening(parameters)
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
        """The picture as it is now, and whether that is a keyframe; cffi releases the GIL meanwhile.

        Args:
            quantizer: :data:`LOWEST_QP`, the finest, to :data:`HIGHEST_QP`.
            changed: the macroblocks that are not as they were at the last call, ``(rows, columns)``. The others are
                not even looked at, where they were encoded as fine as this before.

        Raises:
            MediaError: libx264 failed.
        """
        self._unchanged[:] = np.where(changed, 0, _UNCHANGED)
        picture = self._picture
        picture.type = _TYPE_IDR if keyframe else _TYPE_AUTO
        picture.qp_plus_1 = quantizer + 1
        picture.pts += 1
        size = self._lib.x264_encoder_encode(self._handle, self._nals, self._count, picture, self._made)
        if size <= 0:
            raise MediaError("libx264 failed" if size else "libx264 held a frame back")
        # The NAL units of one call lie one behind the other.
        return bytes(self._ffi.buffer(self._nals[0][0].payload, size)), bool(self._made.keyframe)

    def _pointer(self, array: Plane) -> Any:
        return self._ffi.cast("uint8_t *", array.ctypes.data)


@functools.cache
def is_usable() -> bool:
    """Whether PyAV's libx264 is one that this module knows; if not, the first call logs why."""
    try:
        _library()
    except MediaError as error:
        logger.warning("%s: H.264 costs more CPU", error)
        return False
    return True


@functools.cache
def _library() -> tuple[cffi.FFI, Any, Any]:
    """cffi, the library, and its function that opens an encoder, which has the build's number in its name.

    Raises:
        MediaError: there is none, or one of another build.
    """
    path = _loaded_path()
    ffi = cffi.FFI()
    ffi.cdef(_CDEF + "".join(f"void *x264_encoder_open_{build}(x264_param_t *);" for build in _BUILDS))
    try:
        lib = ffi.dlopen(path)
    except OSError as error:
        raise MediaError(f"libx264 cannot be loaded: {error}") from error
    for build in _BUILDS:
        try:
            opening = getattr(lib, f"x264_encoder_open_{build}")
        except AttributeError:
            continue
        _check_layout(ffi, lib)
        return ffi, lib, opening
    raise MediaError(f"{path} is of another build than {' and '.join(map(str, _BUILDS))}")


def _loaded_path() -> str:
    """Where PyAV's libx264 is."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            path = line.rstrip("\n").partition("/")
            if path[2].rpartition("/")[2].startswith("libx264"):
                return "/" + path[2]
    raise MediaError("PyAV has no libx264")


def _default_parameters(ffi: cffi.FFI, lib: Any) -> Any:
    parameters = ffi.new("x264_param_t *")
    if lib.x264_param_default_preset(parameters, b"ultrafast", b"zerolatency"):
        raise MediaError("libx264 does not know its own presets")
    return parameters


def _check_layout(ffi: cffi.FFI, lib: Any) -> None:
    """Are the fields where they are thought to be? Their neighbours have defaults that nothing else has."""
    parameters = _default_parameters(ffi, lib)
    found = {name: getattr(parameters, name) for name in _DEFAULTS}
    if found != _DEFAULTS or list(parameters.luma_deadzone) != _DEFAULT_DEADZONE:
        raise MediaError("libx264's parameters are not laid out as in its builds that are known here")
