"""An OpenGL ES 3 context without a window, current in the thread that made it."""

import ctypes
import logging
from typing import Protocol

from libvirt_webrtc.display.gl.api import egl, egl12, es2, es3, ints, named_errors, new
from libvirt_webrtc.display.gl.device import EglDisplay, candidates, open_display
from libvirt_webrtc.display.gl.program import Program
from libvirt_webrtc.display.gl.renderer import is_software
from libvirt_webrtc.errors import GraphicsError

logger = logging.getLogger(__name__)

_EGL_OPENGL_ES_API = 0x30A0
_EGL_CONTEXT_CLIENT_VERSION = 0x3098
_EGL_NONE = 0x3038
_NEEDED = ("GL_OES_EGL_image_external", "GL_OES_EGL_image_external_essl3")


class Resource(Protocol):
    """What has to be freed before its context ends, because it belongs to the EGL display and would outlive it."""

    def close(self) -> None:
        """Free it, and take it out of ``Context.resources``."""


class Context:
    """An OpenGL context. It, and everything made with it, is used in one thread only.

    Attributes:
        display: the EGL display that it runs on.
        max_size: the largest width and height of a picture, in pixels.
        resources: what :meth:`close` frees; whoever makes a resource adds it.
    """

    def __init__(self, display: EglDisplay) -> None:
        """Raises GraphicsError."""
        self.display = display
        self.resources: set[Resource] = set()
        self._programs: dict[str, Program] = {}
        self._handle = None
        try:
            with named_errors("no OpenGL ES 3 context"):
                egl12.eglBindAPI(_EGL_OPENGL_ES_API)
                attributes = ints(_EGL_CONTEXT_CLIENT_VERSION, 3, _EGL_NONE)
                self._handle = egl.eglCreateContext(display.handle, None, None, attributes)
                egl.eglMakeCurrent(display.handle, None, None, self._handle)
                renderer = self._check_renderer()
                self._check_extensions()
                size = ints(0)
                es2.glGetIntegerv(es2.GL_MAX_TEXTURE_SIZE, size)
                self.max_size = int(size[0])
                self._prepare()
        except BaseException:
            self.close()
            raise
        logger.info("pictures of gl=on are read by %s: %s", display.device.name, renderer)

    @classmethod
    def open(cls, wanted: str, preferred_node: str | None) -> "Context":
        """A context on the first device that can have one. Blocks, some 100 ms as a rule.

        Args:
            wanted, preferred_node: as of :func:`~libvirt_webrtc.display.gl.device.candidates`.

        Raises:
            GraphicsError: none can; says what was tried.
        """
        tried = []
        for device in candidates(wanted, preferred_node):
            try:
                return cls(open_display(device))
            except GraphicsError as error:
                tried.append(f"{device.name}: {error}")
        raise GraphicsError("; ".join(tried))

    def program(self, fragment: str) -> Program:
        """Make the program of this fragment shader current; it is compiled once. Raises GraphicsError."""
        program = self._programs.get(fragment)
        if program is None:
            program = self._programs[fragment] = Program(fragment)
        es2.glUseProgram(program.name)
        return program

    def close(self) -> None:
        """End the context and all that was made in it.

        The EGL display stays initialized: EGL has one for each device in the whole process.
        """
        for resource in list(self.resources):
            resource.close()
        display = self.display.handle
        egl.eglMakeCurrent(display, None, None, None)
        if self._handle is not None:
            egl.eglDestroyContext(display, self._handle)
        egl12.eglReleaseThread()

    def _check_renderer(self) -> str:
        """The driver's name. Raises GraphicsError for software rendering behind a render node.

        Mesa on a vgem node was seen to crash when it read what it had imported.
        """
        renderer = ctypes.string_at(es2.glGetString(es2.GL_RENDERER)).decode(errors="replace")
        if is_software(renderer) and not self.display.device.software:
            raise GraphicsError("there is no graphics card behind it")
        return renderer

    def _check_extensions(self) -> None:
        count = ints(0)
        es2.glGetIntegerv(es3.GL_NUM_EXTENSIONS, count)
        present = {
            ctypes.string_at(es3.glGetStringi(es2.GL_EXTENSIONS, index)).decode() for index in range(count[0])
        }
        missing = [name for name in _NEEDED if name not in present]
        if missing:
            raise GraphicsError(f"its OpenGL ES lacks {', '.join(missing)}")

    def _prepare(self) -> None:
        """Set the state that never changes: all that is drawn is one triangle that covers the viewport."""
        es3.glBindVertexArray(new(es3.glGenVertexArrays))
        es2.glDisable(es2.GL_DITHER)
        es2.glPixelStorei(es2.GL_PACK_ALIGNMENT, 4)
