"""Mesa's software renderer, for this process, for QEMU, and for portals: see gl_rig.sh."""

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path

RIG_VARIABLE = "LIBVIRT_WEBRTC_TEST_GL"
"""The environment variable with the folder that tests/support/gl_rig.sh filled; tests/run.sh sets it."""

NODE_VARIABLE = "LIBVIRT_WEBRTC_TEST_RENDER_NODE"
"""The environment variable with a real render node, on a machine that exports DMA-BUFs itself; tests/gl/test_vm.py
sets it."""

READER_VARIABLE = "LIBVIRT_WEBRTC_TEST_GL_DEVICE"
"""The setting ``gl_device`` with which pictures are read then."""

# In the order of their needs, for this process, whose loader read LD_LIBRARY_PATH long ago.
_LIBRARIES = (
    "libdrm.so.2",
    "libdrm_amdgpu.so.1",
    "libdrm_radeon.so.1",
    "libgallium-*.so",
    "libgbm.so.1",
    "libEGL_mesa.so.0",
)


def rig() -> Path | None:
    """Return the folder; None where it was not made."""
    named = os.environ.get(RIG_VARIABLE)
    return Path(named) if named else None


def environment() -> Mapping[str, str]:
    """Return the environment variables with which a program uses it, besides its own."""
    folder = rig()
    assert folder is not None
    common = {"MESA_SHADER_CACHE_DISABLE": "true"}
    mesa = folder / "mesa" / "usr"
    if not mesa.is_dir():
        return common
    (libraries,) = (mesa / "lib").glob("*-linux-gnu")
    return common | {
        "LD_LIBRARY_PATH": str(libraries),
        "LIBGL_DRIVERS_PATH": str(libraries / "dri"),
        "GBM_BACKENDS_PATH": str(libraries / "gbm"),
        "__EGL_VENDOR_LIBRARY_FILENAMES": str(mesa / "share/glvnd/egl_vendor.d/50_mesa.json"),
    }


def render_node() -> str:
    """Return the render node that QEMU is told to draw with: Mesa's software renderer takes any."""
    return os.environ.get(NODE_VARIABLE) or "/dev/null"


def reader() -> str:
    """Return the setting ``gl_device`` with which its pictures are read."""
    return os.environ.get(READER_VARIABLE) or "software"


def for_qemu() -> Mapping[str, str]:
    """As :func:`environment`, with what gives its pictures out as DMA-BUFs where the machine does not."""
    folder = rig()
    assert folder is not None
    if NODE_VARIABLE in os.environ:
        return environment()
    return {**environment(), "LD_PRELOAD": str(folder / "fake_udmabuf.so")}


def load() -> None:
    """Have this process use it. Idempotent."""
    variables = environment()
    path = variables.get("LD_LIBRARY_PATH")
    os.environ.update({name: value for name, value in variables.items() if name != "LD_LIBRARY_PATH"})
    for pattern in _LIBRARIES if path is not None else ():
        for library in Path(path or "").glob(pattern):
            ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
