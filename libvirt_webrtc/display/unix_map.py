"""``org.qemu.Display1.Listener.Unix.Map``: a picture in memory that QEMU shares with us (QEMU 9.2).

Source: QEMU ``ui/dbus-display1.xml``. QEMU waits a second for the answer to ``ScanoutMap``, and sends plain scanouts to
this listener from then on where it is refused or late.
"""

import mmap
import os
import stat
import struct
from collections.abc import Callable, Sequence
from typing import Any

from libvirt_webrtc.display.exports import BusMethod, Frame, Interface
from libvirt_webrtc.display.incoming import Incoming
from libvirt_webrtc.errors import DisplayProtocolError
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import MAX_DIMENSION

UNIX_MAP = "org.qemu.Display1.Listener.Unix.Map"

_UPDATE = struct.Struct("<iiii")


class UnixMap:
    """Feeds ``framebuffer``; ``on_shown`` is called, without arguments, when a map is shown."""

    def __init__(self, framebuffer: Framebuffer, on_shown: Callable[[], None]) -> None:
        self._framebuffer = framebuffer
        self._on_shown = on_shown

    def interface(self) -> Interface:
        """What a listener exports."""
        return Interface(
            UNIX_MAP,
            {
                "ScanoutMap": BusMethod("huuuuu", self._scanout_map),
                "UpdateMap": Frame("iiii", self._update_map, _UPDATE.size),
            },
        )

    def _scanout_map(self, message: Incoming) -> Sequence[Any]:
        index, offset, width, height, stride, pixel_format = message.body
        fd = message.take_fd(index)
        try:
            memory = map_picture(fd, offset, width, height, stride)
        finally:
            os.close(fd)
        self._framebuffer.map(width, height, stride, pixel_format, memory)
        self._on_shown()
        return ()

    def _update_map(self, body: memoryview) -> None:
        if len(body) != _UPDATE.size:
            raise DisplayProtocolError(f"UpdateMap of {len(body)} bytes")
        self._framebuffer.update_map(*_UPDATE.unpack(body))


def map_picture(fd: int, offset: int, width: int, height: int, stride: int) -> memoryview:
    """The picture's memory, read-only, from its first row to the end of its last. ``fd`` stays the caller's.

    Touching a page past the end of the file would kill this process (SIGBUS), so the file's size is checked first.
    QEMU allocates the file once for each surface, without seals, and never shrinks it. A QEMU taken over by its guest
    could shrink it afterwards, and so end this worker, which serves that guest alone.

    Raises:
        DisplayProtocolError: no such picture is in the file, or it cannot be mapped.
    """
    if not (0 < width <= MAX_DIMENSION and 0 < height <= MAX_DIMENSION) or stride > MAX_DIMENSION * 16:
        raise DisplayProtocolError(f"a map of {width}x{height} pixels with stride {stride}")
    needed = offset + stride * height
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size < needed:
        raise DisplayProtocolError(f"a map of {needed} bytes in a file of {status.st_size}")
    aligned = offset - offset % mmap.ALLOCATIONGRANULARITY
    try:
        memory = mmap.mmap(fd, needed - aligned, mmap.MAP_SHARED, mmap.PROT_READ, offset=aligned)
    except (OSError, ValueError) as error:
        raise DisplayProtocolError(f"the picture's memory cannot be mapped: {error}") from error
    # The map lives as long as somebody holds a view of it.
    return memoryview(memory)[offset - aligned :]
