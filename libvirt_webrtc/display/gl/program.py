"""A program of one fragment shader that draws over a rectangle of a framebuffer."""

import ctypes

from libvirt_webrtc.display.gl.api import es2, ints
from libvirt_webrtc.errors import GraphicsError

_VERTEX = """#version 300 es
void main() {
    // One triangle that covers the viewport, without any buffer.
    gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0);
}
"""
_LOG_BYTES = 2000


class Program:
    """A linked program. It ends with its context."""

    def __init__(self, fragment: str) -> None:
        """Compile and link. Raises GraphicsError with the compiler's message."""
        self.name = int(es2.glCreateProgram())
        self._locations: dict[str, int] = {}
        for kind, source in ((es2.GL_VERTEX_SHADER, _VERTEX), (es2.GL_FRAGMENT_SHADER, fragment)):
            shader = _compile(kind, source)
            es2.glAttachShader(self.name, shader)
            es2.glDeleteShader(shader)  # once the program is
        es2.glLinkProgram(self.name)
        status = ints(0)
        es2.glGetProgramiv(self.name, es2.GL_LINK_STATUS, status)
        if not status[0]:
            raise GraphicsError("the shaders do not link")

    def set(self, **values: tuple[int, ...]) -> None:
        """Set uniforms of one or two integers each. The program must be current."""
        for name, value in values.items():
            location = self._locations.get(name)
            if location is None:
                location = self._locations[name] = int(es2.glGetUniformLocation(self.name, name.encode()))
            if len(value) == 1:
                es2.glUniform1i(location, *value)
            else:
                es2.glUniform2i(location, *value)

    def draw(self, x: int, y: int, width: int, height: int) -> None:
        """Draw over this rectangle of the bound framebuffer. The program must be current."""
        es2.glViewport(x, y, width, height)
        es2.glDrawArrays(es2.GL_TRIANGLES, 0, 3)


def _compile(kind: int, source: str) -> int:
    shader = int(es2.glCreateShader(kind))
    text = (ctypes.c_char_p * 1)(source.encode())
    es2.glShaderSource(shader, 1, ctypes.cast(text, ctypes.POINTER(ctypes.POINTER(ctypes.c_char))), None)
    es2.glCompileShader(shader)
    status = ints(0)
    es2.glGetShaderiv(shader, es2.GL_COMPILE_STATUS, status)
    if not status[0]:
        log = ctypes.create_string_buffer(_LOG_BYTES)
        es2.glGetShaderInfoLog(shader, _LOG_BYTES, ints(0), log)
        raise GraphicsError(f"a shader does not compile: {log.value.decode(errors='replace')}")
    return shader
