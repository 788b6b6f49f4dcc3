"""``python -m libvirt_webrtc.display.gl.render_test NODE``: ends with 0 where QEMU can draw with a render node.

Does what QEMU does at its start with gl=on (``egl_rendernode_init`` in its ``ui/egl-helpers.c``), by the libraries that
it loads. In a process of its own, because drivers crash.
"""

import ctypes
import os
import sys

from libvirt_webrtc.errors import GraphicsError

_EGL_PLATFORM_GBM = 0x31D7
_EGL_EXTENSIONS = 0x3055
_EGL_OPENGL_API = 0x30A2
_NEEDED = ("EGL_KHR_surfaceless_context", "EGL_MESA_image_dma_buf_export")
_LIBRARIES = ("libGL.so.1", "libOpenGL.so.0")
"""QEMU asks libepoxy for these, which ends the process where they are missing."""


def check(node: str) -> None:
    """Raises GraphicsError, or OSError for what is not there."""
    from libvirt_webrtc.display.gl.api import egl, egl12, error_name, ints, named_errors, procedure

    for library in _LIBRARIES:
        ctypes.CDLL(library)
    gbm = ctypes.CDLL("libgbm.so.1")
    gbm.gbm_create_device.restype = ctypes.c_void_p
    device = gbm.gbm_create_device(os.open(node, os.O_RDWR | os.O_CLOEXEC))
    if not device:
        raise GraphicsError("gbm_create_device failed")
    get_display = procedure(
        "eglGetPlatformDisplayEXT",
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.POINTER(ctypes.c_int32),
    )
    display = get_display(_EGL_PLATFORM_GBM, device, None)
    if not display:
        raise GraphicsError(f"eglGetPlatformDisplay: {error_name(egl.eglGetError())}")
    with named_errors("no EGL display"):
        egl.eglInitialize(display, ints(0), ints(0))
        egl12.eglBindAPI(_EGL_OPENGL_API)
        extensions = bytes(egl.eglQueryString(display, _EGL_EXTENSIONS)).decode().split()
    if missing := [name for name in _NEEDED if name not in extensions]:
        raise GraphicsError(f"its EGL lacks {', '.join(missing)}")


if __name__ == "__main__":
    try:
        check(sys.argv[1])
    except (GraphicsError, OSError) as error:
        sys.exit(str(error))
