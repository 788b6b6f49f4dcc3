"""Choose the EGL device that reads QEMU's pictures: a GPU by its render node, or software rendering on the CPU.

The devices are those that EGL lists (``EGL_EXT_device_enumeration``). The platforms surfaceless and GBM of Mesa are not
used: they were seen to import a DMA-BUF and then to fail when it was read.
"""

import ctypes
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from libvirt_webrtc.display.gl.api import egl, error_name, ints, named_errors, procedure
from libvirt_webrtc.errors import GraphicsError

logger = logging.getLogger(__name__)

AUTO = "auto"
SOFTWARE = "software"

_EGL_EXTENSIONS = 0x3055
_EGL_PLATFORM_DEVICE_EXT = 0x313F
_EGL_DRM_RENDER_NODE_FILE_EXT = 0x3377
_MAX_DEVICES = 32

_NEEDED = ("EGL_EXT_image_dma_buf_import", "EGL_KHR_no_config_context", "EGL_KHR_surfaceless_context")


@dataclass(frozen=True, slots=True)
class Device:
    """One of the devices that EGL lists."""

    handle: int
    node: str | None
    """Path of its render node; None for a device without one."""
    software: bool

    @property
    def name(self) -> str:
        return "the processor (Mesa's software device)" if self.software else self.node or "a nameless device"


@dataclass(frozen=True, slots=True)
class EglDisplay:
    """An initialized ``EGLDisplay``."""

    handle: int
    device: Device
    modifiers: bool
    """Whether pictures can be imported with the DRM format modifier that QEMU names."""


def candidates(wanted: str, preferred_node: str | None) -> list[Device]:
    """The devices to try, the best first.

    Args:
        wanted: ``auto``, ``software``, or the path of a render node (the setting ``gl_device``).
        preferred_node: the node that ``auto`` tries first; it tries the other nodes next, and software last.

    Raises:
        GraphicsError: EGL has no such device; names those that it has.
    """
    devices = list(_devices())
    ordered = _order(devices, wanted, preferred_node)
    if not ordered:
        found = ", ".join(device.name for device in devices) or "no device"
        raise GraphicsError(f"EGL has no device for gl_device={wanted} (it has {found})")
    return ordered


def _order(devices: list[Device], wanted: str, preferred_node: str | None) -> list[Device]:
    if wanted == SOFTWARE:
        return [device for device in devices if device.software]
    if wanted != AUTO:
        return [device for device in devices if device.node == wanted]
    usable = [device for device in devices if device.software or device.node is not None]
    return sorted(usable, key=lambda device: (device.software, device.node != preferred_node))


def _devices() -> Iterator[Device]:
    query = procedure(
        "eglQueryDevicesEXT",
        ctypes.c_uint32,
        ctypes.c_int32,
        ctypes.POINTER(ctypes.c_void_p),
        ctypes.POINTER(ctypes.c_int32),
    )
    describe = procedure("eglQueryDeviceStringEXT", ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int32)
    handles = (ctypes.c_void_p * _MAX_DEVICES)()
    count = ctypes.c_int32()
    if not query(_MAX_DEVICES, handles, ctypes.byref(count)):
        raise GraphicsError(f"eglQueryDevicesEXT: {error_name(egl.eglGetError())}")
    for handle in filter(None, handles[: count.value]):
        extensions = (describe(handle, _EGL_EXTENSIONS) or b"").decode().split()
        node = None
        if "EGL_EXT_device_drm_render_node" in extensions:
            node = (describe(handle, _EGL_DRM_RENDER_NODE_FILE_EXT) or b"").decode() or None
        yield Device(handle, node, "EGL_MESA_device_software" in extensions)


def open_display(device: Device) -> EglDisplay:
    """Initialize EGL on this device. Raises GraphicsError where it cannot import DMA-BUFs."""
    get_display: Any = procedure(
        "eglGetPlatformDisplayEXT",
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.POINTER(ctypes.c_int32),
    )
    handle = get_display(_EGL_PLATFORM_DEVICE_EXT, device.handle, None)
    if not handle:
        raise GraphicsError(f"eglGetPlatformDisplayEXT: {error_name(egl.eglGetError())}")
    with named_errors("no EGL display"):
        egl.eglInitialize(handle, ints(0), ints(0))
        extensions = bytes(egl.eglQueryString(handle, _EGL_EXTENSIONS)).decode().split()
    missing = [name for name in _NEEDED if name not in extensions]
    if missing:
        raise GraphicsError(f"it lacks {', '.join(missing)}")
    return EglDisplay(handle, device, "EGL_EXT_image_dma_buf_import_modifiers" in extensions)
