"""``python -m libvirt_webrtc.display.gl.render_trial NODE``: exits with 0 where QEMU can draw with a render node.

It does what QEMU does when it starts with gl=on (``egl_rendernode_init`` in its ``ui/egl-helpers.c``), with the
libraries that QEMU loads, and prints the driver's name for the GPU. It is a process of its own, because drivers crash.
"""

import ctypes
import os
import sys

from libvirt_webrtc.errors import GraphicsError

_EGL_PLATFORM_GBM = 0x31D7
_EGL_EXTENSIONS = 0x3055
_EGL_OPENGL_API = 0x30A2
_EGL_NONE = 0x3038
_GL_RENDERER = 0x1F01
# A window's configuration for desktop OpenGL, of at least five bits a colour; a context of the core profile.
_CONFIG = (0x3033, 0x4, 0x3040, 0x8, 0x3024, 5, 0x3023, 5, 0x3022, 5, 0x3021, 0, _EGL_NONE)
_CONTEXT = (0x30FD, 0x1, _EGL_NONE)
_NEEDED = ("EGL_KHR_surfaceless_context", "EGL_MESA_image_dma_buf_export")
_LIBRARIES = ("libGL.so.1", "libOpenGL.so.0")
"""Libraries that libepoxy loads for QEMU; it aborts the process where one is missing."""


def check(node: str) -> str:
    """The name of the GPU that QEMU would draw with. Raises GraphicsError; OSError for a missing file or library."""
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
    config, count = (ctypes.c_void_p * 1)(), ints(0)
    with named_errors("no OpenGL context"):
        egl.eglChooseConfig(display, ints(*_CONFIG), config, 1, count)
        if count[0] != 1:
            raise GraphicsError("its EGL has no configuration for OpenGL")
        egl.eglMakeCurrent(
            display, None, None, egl.eglCreateContext(display, config[0], None, ints(*_CONTEXT))
        )
    renderer: bytes | None = procedure("glGetString", ctypes.c_char_p, ctypes.c_uint32)(_GL_RENDERER)
    return (renderer or b"a nameless device").decode(errors="replace")


if __name__ == "__main__":
    try:
        print(check(sys.argv[1]))
    except (GraphicsError, OSError) as error:
        sys.exit(str(error))
