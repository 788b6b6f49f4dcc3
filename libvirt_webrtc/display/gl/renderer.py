"""What a driver calls itself."""

_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software rasterizer")
"""Mesa's names for drawing with the processor, also inside those of what stands before it (virgl, zink)."""


def is_software(renderer: str) -> bool:
    """Whether the processor draws; ``renderer`` is ``GL_RENDERER``."""
    return any(name in renderer.lower() for name in _SOFTWARE)
