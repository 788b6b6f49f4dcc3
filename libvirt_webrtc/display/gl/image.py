"""A DMA-BUF imported as a texture (``EGL_EXT_image_dma_buf_import``, ``GL_OES_EGL_image_external``)."""

import ctypes
import mmap
from collections.abc import Iterator

from libvirt_webrtc.display.dmabuf import IMPLICIT, LINEAR, Dmabuf
from libvirt_webrtc.display.gl.api import delete, egl, error_name, es2, named_errors, new, procedure
from libvirt_webrtc.display.gl.context import Context
from libvirt_webrtc.errors import GraphicsError
from libvirt_webrtc.picture.pixels import Rect

TEXTURE_EXTERNAL = 0x8D65
"""``GL_TEXTURE_EXTERNAL_OES``. Some drivers import some modifiers as this kind of texture only; all formats can be."""

_EGL_LINUX_DMA_BUF = 0x3270
_EGL_WIDTH, _EGL_HEIGHT, _EGL_FOURCC, _EGL_NONE = 0x3057, 0x3056, 0x3271, 0x3038
_EGL_PLANES = (
    # File descriptor, offset, pitch; low and high half of the modifier.
    (0x3272, 0x3273, 0x3274, 0x3443, 0x3444),
    (0x3275, 0x3276, 0x3277, 0x3445, 0x3446),
    (0x3278, 0x3279, 0x327A, 0x3447, 0x3448),
    (0x3440, 0x3441, 0x3442, 0x3449, 0x344A),
)


class Image:
    """An imported scanout. It shows what QEMU has drawn into the memory. Used in the context's thread only.

    Attributes:
        texture: the texture's name in OpenGL; its target is ``TEXTURE_EXTERNAL``.
        part, bottom_up: as in the :class:`Dmabuf`.
    """

    def __init__(self, context: Context, dmabuf: Dmabuf) -> None:
        """``dmabuf`` stays the caller's. Raises GraphicsError."""
        if max(dmabuf.width, dmabuf.height) > context.max_size:
            raise GraphicsError(f"pictures of more than {context.max_size} pixels are too large for it")
        if context.display.device.software:
            _check_mappable(dmabuf)
        self.part: Rect = dmabuf.part
        self.bottom_up = dmabuf.bottom_up
        self.texture = 0
        self._context = context
        self._image = _create(context, dmabuf)
        context.resources.add(self)
        try:
            with named_errors("the image becomes no texture"):
                self.texture = new(es2.glGenTextures)
                es2.glBindTexture(TEXTURE_EXTERNAL, self.texture)
                procedure("glEGLImageTargetTexture2DOES", None, ctypes.c_uint32, ctypes.c_void_p)(
                    TEXTURE_EXTERNAL, self._image
                )
                # The extension's function above is called without a check; this call of PyOpenGL's finds its error.
                es2.glTexParameteri(TEXTURE_EXTERNAL, es2.GL_TEXTURE_MIN_FILTER, es2.GL_NEAREST)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release QEMU's memory. Call it once."""
        self._context.resources.discard(self)
        if self.texture:
            delete(es2.glDeleteTextures, self.texture)
        destroy = procedure("eglDestroyImageKHR", ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p)
        destroy(self._context.display.handle, self._image)


def _create(context: Context, dmabuf: Dmabuf) -> int:
    values = [*_attributes(dmabuf, context.display.modifiers), _EGL_NONE]
    create = procedure(
        "eglCreateImageKHR",
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.POINTER(ctypes.c_int32),
    )
    attributes = (ctypes.c_int32 * len(values))(*(ctypes.c_int32(value).value for value in values))
    image = create(context.display.handle, None, _EGL_LINUX_DMA_BUF, None, attributes)
    if not image:
        raise GraphicsError(f"eglCreateImage: {error_name(egl.eglGetError())}")
    return int(image)


def _attributes(dmabuf: Dmabuf, modifiers: bool) -> Iterator[int]:
    named = dmabuf.modifier != IMPLICIT
    if named and not modifiers and dmabuf.modifier != LINEAR:
        raise GraphicsError("its EGL takes no modifiers")
    yield from (_EGL_WIDTH, dmabuf.width, _EGL_HEIGHT, dmabuf.height, _EGL_FOURCC, dmabuf.fourcc)
    for plane, (fd, offset, pitch, low, high) in zip(dmabuf.planes, _EGL_PLANES, strict=False):
        yield from (fd, plane.fd, offset, plane.offset, pitch, plane.stride)
        if named and modifiers:
            yield from (low, dmabuf.modifier & 0xFFFFFFFF, high, dmabuf.modifier >> 32)


def _check_mappable(dmabuf: Dmabuf) -> None:
    """Raises GraphicsError where the memory cannot be mapped, which is how Mesa's software renderer reads it.

    Mesa maps it when it draws, and draws nothing, without an error, where that fails.
    """
    for plane in dmabuf.planes:
        try:
            mmap.mmap(plane.fd, 1, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE).close()
        except (OSError, ValueError) as error:
            raise GraphicsError(f"its memory cannot be mapped: {error}") from error
