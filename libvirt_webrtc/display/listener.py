"""``org.qemu.Display1.Listener``: takes one console's picture and cursor from QEMU.

Source: QEMU ``ui/dbus-display1.xml``, ``ui/dbus-listener.c``. QEMU's main loop waits for the answers to
``GetAll`` (25 s) and ``ScanoutMap``, ``UpdateDMABUF`` (1 s): they are given in the reader's callback,
whatever the encoder is doing.
"""

import mmap
import os
import socket
import stat
import struct
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Protocol

from dbus_fast import Message, Variant

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.dmabuf import Dmabuf, part_of_buffer, whole_buffer
from libvirt_webrtc.display.exports import Answer, Frame, Interface, Method, take_fd
from libvirt_webrtc.display.gl.thread import GraphicsThread
from libvirt_webrtc.display.scanout import DmabufScanout
from libvirt_webrtc.display.transport import close_fds
from libvirt_webrtc.errors import DisplayProtocolError
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import MAX_DIMENSION, Rect

PATH = "/org/qemu/Display1/Listener"
LISTENER = "org.qemu.Display1.Listener"
UNIX_MAP = "org.qemu.Display1.Listener.Unix.Map"
UNIX_DMABUF2 = "org.qemu.Display1.Listener.Unix.ScanoutDMABUF2"
"""Of QEMU 10.1 and later: built from its description, and never met by us."""

MAX_CURSOR = 512
"""Largest width or height of a cursor, in pixels (QEMU's own limit)."""

_SCANOUT = struct.Struct("<IIIII")
_UPDATE = struct.Struct("<iiiiIII")
_UPDATE_MAP = struct.Struct("<iiii")


class ScanoutMode(StrEnum):
    """How the newest whole picture came."""

    MAP = "map"
    COPY = "copy"
    DMABUF = "dmabuf"


class ListenerSink(Protocol):
    """What else comes with a picture. Called in the reader: must be cheap and not raise."""

    def define_cursor(self, width: int, height: int, hot_x: int, hot_y: int, pixels: bytes) -> None:
        """The cursor's shape: ``width * height * 4`` bytes B, G, R, A."""

    def move_cursor(self, x: int, y: int, visible: bool) -> None:
        """Where the guest wants the cursor."""

    def unsupported(self, what: str) -> None:
        """Why QEMU's picture cannot be shown; empty once it is shown."""


class Listener:
    """Feeds ``framebuffer`` and ``sink`` from one registration.

    Args:
        graphics: where OpenGL is done, for a display with gl=on; by default in a thread of its own.

    Attributes:
        bus: QEMU's connection to us; None before ``attach``.
        mode: how the newest whole picture came; None before the first.
        on_size: called, without arguments, when a message has changed the picture's size.
    """

    def __init__(
        self, framebuffer: Framebuffer, sink: ListenerSink, graphics: GraphicsThread | None = None
    ) -> None:
        self.framebuffer = framebuffer
        self.sink = sink
        self.bus: Bus | None = None
        self.mode: ScanoutMode | None = None
        self.on_size: Callable[[], None] | None = None
        self._size = (0, 0)
        self._graphics = graphics or GraphicsThread()
        self._dmabufs: DmabufScanout | None = None
        """From the first DMA-BUF on: it and this listener hold each other until the garbage collector comes, and a
        mapped picture must not wait for that."""

    @property
    def closed(self) -> bool:
        """Whether QEMU sends nothing more; also before ``attach``."""
        return self.bus is None or self.bus.closed

    def attach(self, sock: socket.socket) -> Bus:
        """Serves QEMU at the other end of ``sock``, which is ours from now on.

        Reads from the moment it returns, so that RegisterListener may be sent next.
        """
        if self.bus is not None:
            raise ValueError("a listener is registered once")
        self.bus = Bus(sock, exports={PATH: (self._listener(), self._unix_map(), self._unix_dmabuf2())})
        return self.bus

    def trim(self) -> None:
        """Lets go of the memory that is only kept for speed."""
        if self.bus is not None:
            self.bus.trim()

    def close(self) -> None:
        """Ends the registration; again is fine. The framebuffer keeps the last picture."""
        if self.bus is not None:
            self.bus.close()
        if self._dmabufs is not None:
            self._dmabufs.disable()

    def _listener(self) -> Interface:
        return Interface(
            LISTENER,
            {
                "Scanout": Frame("uuuuay", self._scanout),
                "Update": Frame("iiiiuuay", self._update),
                "ScanoutDMABUF": Method("huuuutb", self._scanout_dmabuf),
                "UpdateDMABUF": Method("iiii", self._update_dmabuf),
                "Disable": Method("", self._disable),
                "MouseSet": Method("iii", self._mouse_set),
                "CursorDefine": Method("iiiiay", self._cursor_define),
            },
            {"Interfaces": Variant("as", [UNIX_MAP, UNIX_DMABUF2])},
        )

    def _unix_map(self) -> Interface:
        return Interface(
            UNIX_MAP,
            {
                "ScanoutMap": Method("huuuuu", self._scanout_map),
                "UpdateMap": Frame("iiii", self._update_map, _UPDATE_MAP.size),
            },
        )

    def _unix_dmabuf2(self) -> Interface:
        return Interface(
            UNIX_DMABUF2,
            {"ScanoutDMABUF2": Method("ahuuuuauauuuuutb", self._scanout_dmabuf2)},
        )

    def _scanout(self, body: memoryview) -> None:
        width, height, stride, pixel_format, size = _fixed(_SCANOUT, body)
        data = _bytes(body, _SCANOUT.size, size)
        self.framebuffer.scanout(width, height, stride, pixel_format, data, own=True)
        self._shown(ScanoutMode.COPY)

    def _update(self, body: memoryview) -> None:
        x, y, width, height, stride, pixel_format, size = _fixed(_UPDATE, body)
        data = _bytes(body, _UPDATE.size, size)
        self.framebuffer.update(x, y, width, height, stride, pixel_format, data, own=True)
        self._shown(ScanoutMode.COPY)

    def _shown(self, mode: ScanoutMode) -> None:
        self.mode = mode
        if mode is not ScanoutMode.DMABUF and self._dmabufs is not None:
            self._dmabufs.leave()
        size = (self.framebuffer.width, self.framebuffer.height)
        if size != self._size:
            self._size = size
            if self.on_size is not None:
                self.on_size()

    def _disable(self, message: Message) -> Sequence[Any]:
        if self._dmabufs is not None:
            self._dmabufs.disable()
        self.framebuffer.disable()
        return ()

    def _scanout_map(self, message: Message) -> Sequence[Any]:
        """Where this is refused, QEMU sends plain scanouts from then on."""
        index, offset, width, height, stride, pixel_format = message.body
        fd = take_fd(message, index)
        if fd is None:
            raise DisplayProtocolError("ScanoutMap without a file descriptor")
        try:
            memory = _map(fd, offset, width, height, stride)
        finally:
            os.close(fd)
        self.framebuffer.map(width, height, stride, pixel_format, memory)
        self._shown(ScanoutMode.MAP)
        return ()

    def _update_map(self, body: memoryview) -> None:
        x, y, width, height = _fixed(_UPDATE_MAP, body)
        self.framebuffer.update_map(x, y, width, height)

    def _scanout_dmabuf(self, message: Message) -> Sequence[Any]:
        index, *rest = message.body
        (fd,) = _take_fds(message, [index])
        self._show_dmabuf(lambda: whole_buffer(fd, *rest))
        return ()

    def _scanout_dmabuf2(self, message: Message) -> Sequence[Any]:
        indexes, x, y, width, height, offsets, strides, count, fourcc, backing_width, backing_height = (
            message.body[:11]
        )
        modifier, bottom_up = message.body[11:]
        fds = _take_fds(message, indexes)
        part, backing = Rect(x, y, width, height), (backing_width, backing_height)
        self._show_dmabuf(
            lambda: part_of_buffer(fds, part, count, offsets, strides, backing, fourcc, modifier, bottom_up)
        )
        return ()

    def _show_dmabuf(self, make: Callable[[], Dmabuf]) -> None:
        try:
            dmabuf = make()
        except DisplayProtocolError as error:
            self._on_card().refuse(str(error))
            raise
        self._on_card().scanout(dmabuf)

    def _update_dmabuf(self, message: Message) -> Answer:
        return self._on_card().update(Rect(*message.body))

    def _on_card(self) -> DmabufScanout:
        if self._dmabufs is None:
            self._dmabufs = DmabufScanout(
                self.framebuffer,
                self._graphics,
                on_problem=self.sink.unsupported,
                on_shown=lambda: self._shown(ScanoutMode.DMABUF),
            )
        return self._dmabufs

    def _mouse_set(self, message: Message) -> Sequence[Any]:
        x, y, on = message.body
        self.sink.move_cursor(x, y, bool(on))
        return ()

    def _cursor_define(self, message: Message) -> Sequence[Any]:
        width, height, hot_x, hot_y, pixels = message.body
        if not (0 < width <= MAX_CURSOR and 0 < height <= MAX_CURSOR) or len(pixels) != width * height * 4:
            raise DisplayProtocolError(f"a cursor of {width}x{height} pixels in {len(pixels)} bytes")
        if not (0 <= hot_x < width and 0 <= hot_y < height):
            raise DisplayProtocolError(f"a cursor of {width}x{height} pixels, hot at {hot_x},{hot_y}")
        self.sink.define_cursor(width, height, hot_x, hot_y, bytes(pixels))
        return ()


def _take_fds(message: Message, indexes: Sequence[int]) -> list[int]:
    """The caller's own from now on."""
    fds: list[int] = []
    for index in indexes:
        fd = take_fd(message, index)
        if fd is None:
            close_fds(fds)
            raise DisplayProtocolError(f"{message.member} without a file descriptor")
        fds.append(fd)
    return fds


def _fixed(layout: struct.Struct, body: memoryview) -> tuple[int, ...]:
    if len(body) < layout.size:
        raise DisplayProtocolError(f"a picture's message of {len(body)} bytes")
    return layout.unpack_from(body)


def _bytes(body: memoryview, at: int, size: int) -> memoryview:
    if at + size != len(body):
        raise DisplayProtocolError(f"{len(body) - at} bytes of pixels where {size} were announced")
    return body[at:]


def _map(fd: int, offset: int, width: int, height: int, stride: int) -> memoryview:
    """The picture's memory, read-only, from its first row to the end of its last.

    Touching a page past the end of the file would kill this process (SIGBUS), so the file's size is checked
    first. QEMU allocates it unsealed, once per surface, and never shrinks it; a QEMU taken over by its
    guest could shrink it afterwards, and so end this worker, which serves that guest alone.
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
