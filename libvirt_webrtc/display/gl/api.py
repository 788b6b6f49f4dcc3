"""PyOpenGL's raw functions, which check for an error after every call, and helpers to call them."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from libvirt_webrtc.errors import GraphicsError

try:
    from OpenGL.error import GLError
    from OpenGL.platform import PLATFORM
    from OpenGL.raw.EGL.VERSION import EGL_1_0 as egl
    from OpenGL.raw.EGL.VERSION import EGL_1_2 as egl12
    from OpenGL.raw.GLES2.VERSION import GLES2_2_0 as es2
    from OpenGL.raw.GLES3.VERSION import GLES3_3_0 as es3
except (ImportError, AttributeError) as error:
    # PyOpenGL sets a missing library to None, and fails when it looks up a function in it.
    raise GraphicsError(f"libEGL or libGLESv2 is not installed ({error})") from error

__all__ = ["egl", "egl12", "es2", "es3", "ints", "named_errors", "new", "delete", "procedure"]

_ERRORS = {
    0x0500: "GL_INVALID_ENUM",
    0x0501: "GL_INVALID_VALUE",
    0x0502: "GL_INVALID_OPERATION",
    0x0505: "GL_OUT_OF_MEMORY",
    0x0506: "GL_INVALID_FRAMEBUFFER_OPERATION",
    0x0507: "GL_CONTEXT_LOST",
    0x3001: "EGL_NOT_INITIALIZED",
    0x3002: "EGL_BAD_ACCESS",
    0x3003: "EGL_BAD_ALLOC",
    0x3004: "EGL_BAD_ATTRIBUTE",
    0x3006: "EGL_BAD_CONTEXT",
    0x3008: "EGL_BAD_DISPLAY",
    0x3009: "EGL_BAD_MATCH",
    0x300C: "EGL_BAD_PARAMETER",
    0x300E: "EGL_CONTEXT_LOST",
}


@contextmanager
def named_errors(what: str) -> Iterator[None]:
    """Turn an OpenGL error into a GraphicsError that says ``what`` failed, at which call, and the error's name."""
    try:
        yield
    except GLError as error:
        code = vars(error)["err"]
        call = getattr(error.baseOperation, "__name__", "a call")
        raise GraphicsError(f"{what}: {call}: {error_name(code)}") from error


def error_name(code: int) -> str:
    """The error's name in the headers of OpenGL and EGL."""
    return _ERRORS.get(code, f"error {code:#x}")


def procedure(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A function of an extension. It does not check for errors. Raises GraphicsError where it does not exist."""
    address = PLATFORM.getExtensionProcedure(name.encode())
    if not address:
        raise GraphicsError(f"OpenGL here has no {name}")
    return ctypes.CFUNCTYPE(result, *arguments)(address)


def ints(*values: int) -> Any:
    """A C array of 32-bit integers."""
    return (ctypes.c_int32 * len(values))(*values)


def new(make: Callable[[int, Any], None]) -> int:
    """Make one object with this ``glGen*`` function, and return its name."""
    names = (ctypes.c_uint32 * 1)()
    make(1, names)
    return int(names[0])


def delete(unmake: Callable[[int, Any], None], *names: int) -> None:
    """Delete objects with this ``glDelete*`` function."""
    unmake(len(names), (ctypes.c_uint32 * len(names))(*names))
