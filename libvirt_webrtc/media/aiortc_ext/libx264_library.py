"""The libx264 that PyAV has loaded: found in this process, and declared to cffi."""

from dataclasses import dataclass
from typing import Any

import av  # loads libx264
import cffi

from libvirt_webrtc.errors import MediaError

BUILDS = (165, 164)
"""The builds (``X264_BUILD``) whose ``x264.h`` was read: they agree on everything declared below, and on the sizes of
the structures (1024 and 240 bytes). What is not used of these is declared as arrays, and as the rest at their end."""
CDEF = """
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
    char rest[380];
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
    char rest[120];
} x264_picture_t;
typedef struct { int header[6]; uint8_t *payload; int padding; } x264_nal_t;
int x264_param_default_preset(x264_param_t *, const char *preset, const char *tune);
int x264_param_parse(x264_param_t *, const char *name, const char *value);
int x264_param_apply_profile(x264_param_t *, const char *profile);
void x264_param_cleanup(x264_param_t *);
void x264_picture_init(x264_picture_t *);
int x264_picture_alloc(x264_picture_t *, int csp, int width, int height);
void x264_picture_clean(x264_picture_t *);
int x264_encoder_encode(void *, x264_nal_t **, int *count, x264_picture_t *in, x264_picture_t *out);
void x264_encoder_close(void *);
"""
TYPE_AUTO, TYPE_IDR = 0, 1
CSP_I420, CSP_I444 = 0x2, 0xC
UNCHANGED = 1
"""``X264_MBINFO_CONSTANT``: the macroblock is as it was in the last frame."""


@dataclass(frozen=True, slots=True)
class Library:
    """libx264, ready to be called through cffi; each call releases the GIL."""

    ffi: cffi.FFI
    lib: Any
    open_encoder: Any
    """``x264_encoder_open``, which has the build's number in its name."""
    where: str
    """Path, PyAV's version and build, to begin a message about it with."""

    def default_parameters(self) -> Any:
        """Parameters of the preset *ultrafast*, tuned for *zerolatency*; to be cleaned up by the caller.

        Raises:
            MediaError: libx264 does not have these.
        """
        parameters = self.ffi.new("x264_param_t *")
        if self.lib.x264_param_default_preset(parameters, b"ultrafast", b"zerolatency"):
            raise MediaError("libx264 does not know its own presets")
        return parameters


def find() -> Library:
    """Find the library in this process.

    Raises:
        MediaError: there is none, or one of another build; the message names its path and PyAV's version.
    """
    path = _loaded_path()
    where = f"{path} (PyAV {av.__version__})"
    ffi = cffi.FFI()
    ffi.cdef(CDEF + "".join(f"void *x264_encoder_open_{build}(x264_param_t *);" for build in BUILDS))
    try:
        lib = ffi.dlopen(path)
    except OSError as error:
        raise MediaError(f"{where} cannot be loaded: {error}") from error
    for build in BUILDS:
        open_encoder = getattr(lib, f"x264_encoder_open_{build}", None)
        if open_encoder is not None:
            return Library(ffi, lib, open_encoder, f"{where}, build {build},")
    raise MediaError(f"{where} is of another build than {' and '.join(map(str, BUILDS))}")


def _loaded_path() -> str:
    """Where PyAV's libx264 is."""
    try:
        with open("/proc/self/maps", encoding="utf-8") as maps:
            lines = maps.readlines()
    except OSError as error:
        raise MediaError(f"PyAV's libx264 cannot be looked for: {error}") from error
    for line in lines:
        path = line.rstrip("\n").partition("/")
        if path[2].rpartition("/")[2].startswith("libx264"):
            return "/" + path[2]
    raise MediaError(f"PyAV {av.__version__} has no libx264")
