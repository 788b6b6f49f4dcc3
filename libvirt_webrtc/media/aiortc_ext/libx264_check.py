"""Is the libx264 that was found laid out as it is declared?

cffi's ABI mode believes the declarations: a field at another place would be written into another field, or beyond the
structure. So every field that is used is seen at work before the first viewer's frame is made.
"""

import numpy as np

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.aiortc_ext.libx264_library import CSP_I420, TYPE_AUTO, TYPE_IDR, UNCHANGED, Library

DEFAULTS = {"bit_depth": 8, "keyint_max": 250, "mb_info": 0, "mb_info_update": 0}
DEFAULT_DEADZONE = [21, 11]
"""What ``x264_param_default`` writes into fields that are used, or stand beside them, and nowhere else."""

SKIPPED_BYTES = 60
"""The largest size of a frame in which every macroblock is skipped; it is about 20 bytes."""
_WIDTH, _HEIGHT = 64, 48
_ROOM = 65536
"""Bytes of the buffer in which structures are measured: far more than either could grow to."""
_START_CODE = b"\0\0\0\1"


def check(library: Library) -> None:
    """See that the parameters, the pictures and the NAL units are laid out as declared. Takes a few milliseconds.

    Raises:
        MediaError: they are not; the message names the library, its build and PyAV's version.
    """
    # In this order: what a wrong declaration would let a later step write to, an earlier one finds out.
    _check_sizes(library)
    _check_parameters(library)
    _check_pictures(library)
    _check_frames(library)


def _check_sizes(library: Library) -> None:
    """Have libx264 clear each structure in a much larger buffer, and see how far it went.

    Raises:
        MediaError: a structure has more or fewer fields than declared.
    """
    for name, clear in (
        (
            "x264_param_t",
            lambda memory: library.lib.x264_param_default_preset(memory, b"ultrafast", b"zerolatency"),
        ),
        ("x264_picture_t", library.lib.x264_picture_init),
    ):
        memory = library.ffi.new("char[]", b"\xff" * _ROOM)
        clear(library.ffi.cast(f"{name} *", memory))
        size = len(library.ffi.buffer(memory, _ROOM)[:].rstrip(b"\xff"))
        if size != library.ffi.sizeof(name):
            raise MediaError(f"{library.where} has another {name} than its builds that are known here")


def _check_parameters(library: Library) -> None:
    """Compare the defaults of ``x264_param_t`` with what they are known to be.

    Raises:
        MediaError: a field is not where it is declared.
    """
    parameters = library.default_parameters()
    found = {name: getattr(parameters, name) for name in DEFAULTS}
    deadzone = list(parameters.luma_deadzone)
    library.lib.x264_param_cleanup(parameters)
    if found != DEFAULTS or deadzone != DEFAULT_DEADZONE:
        raise MediaError(f"{library.where} does not lay out x264_param_t as its builds that are known here")


def _check_pictures(library: Library) -> None:
    """Have libx264 fill in an ``x264_picture_t`` of its own, and read the planes' places from it.

    Raises:
        MediaError: a field is not where it is declared.
    """
    width, height = 64, 48
    picture = library.ffi.new("x264_picture_t *")
    if library.lib.x264_picture_alloc(picture, CSP_I420, width, height):
        raise MediaError(f"{library.where} has no memory for a picture")
    try:
        y, u, v = (int(library.ffi.cast("uintptr_t", picture.plane[number])) for number in range(3))
        laid_out = (
            (picture.csp, picture.planes, list(picture.strides)[:3])
            == (CSP_I420, 3, [width, width // 2, width // 2])
            and y != 0
            and u - y >= width * height
            and v - u >= width * height // 4
        )
    finally:
        library.lib.x264_picture_clean(picture)
    if not laid_out:
        raise MediaError(f"{library.where} does not lay out x264_picture_t as its builds that are known here")


def _check_frames(library: Library) -> None:
    """Encode three small frames, and see that each field that is written has its effect, and what is read makes sense.

    Raises:
        MediaError: it has not, or libx264 fails.
    """
    ffi, lib = library.ffi, library.lib
    parameters = library.default_parameters()
    parameters.width, parameters.height, parameters.csp, parameters.mb_info = _WIDTH, _HEIGHT, CSP_I420, 1
    for name, value in (
        ("qp", b"22"),
        ("ipratio", b"10"),
        ("pbratio", b"10"),
        ("keyint", b"infinite"),
        ("threads", b"1"),
        ("log", b"0"),
    ):
        lib.x264_param_parse(parameters, name.encode(), value)
    handle = library.open_encoder(parameters)
    lib.x264_param_cleanup(parameters)
    if handle == ffi.NULL:
        raise MediaError(f"{library.where} does not open for {_WIDTH}x{_HEIGHT}")
    noise = np.random.default_rng(1).integers(0, 256, (3, _HEIGHT, _WIDTH), np.uint8)
    mask = np.zeros((_HEIGHT // 16, _WIDTH // 16), np.uint8)
    picture, made = ffi.new("x264_picture_t *"), ffi.new("x264_picture_t *")
    nals, count = ffi.new("x264_nal_t **"), ffi.new("int *")
    lib.x264_picture_init(picture)
    picture.pts = 1000
    picture.csp, picture.planes = CSP_I420, 3
    picture.mb_info = ffi.cast("uint8_t *", mask.ctypes.data)

    def encode(number: int, kind: int, quantizer: int) -> tuple[int, bool]:
        for index, stride in enumerate((_WIDTH, _WIDTH // 2, _WIDTH // 2)):
            picture.plane[index] = ffi.cast("uint8_t *", noise[number].ctypes.data)
            picture.strides[index] = stride
        picture.type, picture.qp_plus_1, picture.pts = kind, quantizer + 1, picture.pts + 1
        size = lib.x264_encoder_encode(handle, nals, count, picture, made)
        told = size > 4 and made.pts == picture.pts and ffi.buffer(nals[0][0].payload, 4)[:] == _START_CODE
        if not told:
            raise MediaError(f"{library.where} does not tell of its frames as its builds that are known here")
        return size, bool(made.keyframe)

    try:
        _, first_is_keyframe = encode(0, TYPE_IDR, 30)
        mask[:] = UNCHANGED
        skipped, second_is_keyframe = encode(1, TYPE_AUTO, 30)
        mask[:] = 0
        coarse, _ = encode(1, TYPE_AUTO, 42)
        fine, _ = encode(2, TYPE_AUTO, 10)
    finally:
        lib.x264_encoder_close(handle)
    if (
        not first_is_keyframe
        or second_is_keyframe
        or skipped > SKIPPED_BYTES
        or not skipped < coarse < fine / 2
    ):
        raise MediaError(f"{library.where} does not take its frames as its builds that are known here")
