"""Names of OpenGL drivers that render in software."""

_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software rasterizer")
"""Parts of the names of Mesa's software renderers; layered drivers (virgl, zink) have them in their own names."""


def is_software(renderer: str) -> bool:
    """Whether the driver renders on the CPU; ``renderer`` is its ``GL_RENDERER``."""
    return any(name in renderer.lower() for name in _SOFTWARE)
