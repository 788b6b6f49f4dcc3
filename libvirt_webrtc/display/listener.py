"""``org.qemu.Display1.Listener``: takes one console's picture and cursor from QEMU.

Source: QEMU ``ui/dbus-display1.xml``, ``ui/dbus-listener.c``. QEMU's main loop waits for the answers to ``GetAll``
(25 s), ``ScanoutMap`` and ``UpdateDMABUF`` (1 s): they are given in the reader's callback, whatever the encoder does.
"""

import socket
import struct
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from dbus_fast import Variant

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.cursor import NO_CURSOR, CursorShape, cursor_shape
from libvirt_webrtc.display.dmabuf import Dmabuf, whole_buffer
from libvirt_webrtc.display.exports import MAX_FRAME_BYTES, BusMethod, Frame, Interface, ReplyBody
from libvirt_webrtc.display.gl.thread import GraphicsThread
from libvirt_webrtc.display.incoming import Incoming
from libvirt_webrtc.display.scanout import DmabufScanout
from libvirt_webrtc.display.unix_dmabuf2 import UNIX_DMABUF2, unix_dmabuf2
from libvirt_webrtc.display.unix_map import UNIX_MAP, UnixMap
from libvirt_webrtc.errors import DisplayProtocolError
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import Rect

PATH = "/org/qemu/Display1/Listener"
LISTENER = "org.qemu.Display1.Listener"

_SCANOUT = struct.Struct("<IIIII")
_UPDATE = struct.Struct("<iiiiIII")


class ScanoutMode(StrEnum):
    """How the newest whole picture came."""

    MAP = "map"
    COPY = "copy"
    DMABUF = "dmabuf"


class ListenerSink(Protocol):
    """Takes what comes besides the picture. Called in the reader's callback: must be cheap and not raise."""

    def define_cursor(self, width: int, height: int, hot_x: int, hot_y: int, pixels: bytes) -> None:
        """The cursor's shape: ``width * height * 4`` bytes B, G, R, A, and its hot spot within them.

        All zero and no bytes: the guest has no pointer of its own, or one that cannot be shown.
        """

    def move_cursor(self, x: int, y: int, visible: bool) -> None:
        """Where the guest has its pointer, in guest pixels; that may be outside the picture."""

    def unsupported(self, what: str) -> None:
        """Why QEMU's picture cannot be shown; empty once a whole picture is shown again."""


class Listener:
    """Feeds ``framebuffer`` and ``sink`` from one registration.

    Args:
        graphics: where OpenGL is done, for a display with gl=on; by default in a thread of its own.

    Attributes:
        bus: QEMU's connection to us; None before :meth:`attach`.
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
        self._problem = ""
        self._graphics = graphics or GraphicsThread()
        self._dmabufs: DmabufScanout | None = None
        """Made for the first DMA-BUF: it and this listener hold each other, and so a mapped picture of a listener that
        was closed, until the garbage collector runs."""

    @property
    def closed(self) -> bool:
        """Whether QEMU sends nothing more; also before :meth:`attach`."""
        return self.bus is None or self.bus.closed

    def attach(self, sock: socket.socket) -> Bus:
        """Serve QEMU at the other end of ``sock``, which is ours from now on.

        Reads from the moment it returns, so that RegisterListener may be sent next.
        """
        if self.bus is not None:
            raise ValueError("a listener is registered once")
        unix_map = UnixMap(self.framebuffer, partial(self._shown, ScanoutMode.MAP))
        exports = (self._interface(), unix_map.interface(), unix_dmabuf2(self._show_dmabuf))
        self.bus = Bus(sock, exports={PATH: exports})
        return self.bus

    def trim(self) -> None:
        """Free the memory that is only kept for speed."""
        if self.bus is not None:
            self.bus.trim()

    def close(self) -> None:
        """End the registration. The framebuffer keeps the last picture. Idempotent."""
        if self.bus is not None:
            self.bus.close()
        if self._dmabufs is not None:
            self._dmabufs.disable()

    def _interface(self) -> Interface:
        return Interface(
            LISTENER,
            {
                "Scanout": Frame("uuuuay", self._scanout, oversized=self._oversized),
                "Update": Frame("iiiiuuay", self._update, oversized=self._oversized),
                "ScanoutDMABUF": BusMethod("huuuutb", self._scanout_dmabuf),
                "UpdateDMABUF": BusMethod("iiii", self._update_dmabuf),
                "Disable": BusMethod("", self._disable),
                "MouseSet": BusMethod("iii", self._mouse_set),
                "CursorDefine": BusMethod("iiiiay", self._cursor_define),
            },
            {"Interfaces": Variant("as", [UNIX_MAP, UNIX_DMABUF2])},
        )

    def _scanout(self, body: memoryview) -> None:
        try:
            width, height, stride, pixel_format, size = _fixed(_SCANOUT, body)
            data = _bytes(body, _SCANOUT.size, size)
            self.framebuffer.scanout(width, height, stride, pixel_format, data, own=True)
        except DisplayProtocolError as error:
            self._tell_problem(f"QEMU's picture cannot be shown: {error}")
            raise
        self._shown(ScanoutMode.COPY)

    def _update(self, body: memoryview) -> None:
        x, y, width, height, stride, pixel_format, size = _fixed(_UPDATE, body)
        data = _bytes(body, _UPDATE.size, size)
        self.framebuffer.update(x, y, width, height, stride, pixel_format, data, own=True)
        self._pixels_came(ScanoutMode.COPY)

    def _oversized(self, size: int) -> None:
        self._tell_problem(
            f"QEMU's picture cannot be shown: it takes {size >> 20} MiB, and at most {MAX_FRAME_BYTES >> 20} MiB can "
            "come over D-Bus; choose a smaller mode in the guest"
        )

    def _shown(self, mode: ScanoutMode) -> None:
        """A whole picture is in the framebuffer."""
        self._pixels_came(mode)
        self._tell_problem("")

    def _pixels_came(self, mode: ScanoutMode) -> None:
        self.mode = mode
        if mode is not ScanoutMode.DMABUF and self._dmabufs is not None:
            self._dmabufs.leave()
        size = (self.framebuffer.width, self.framebuffer.height)
        if size != self._size:
            self._size = size
            if self.on_size is not None:
                self.on_size()

    def _tell_problem(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self.sink.unsupported(problem)

    def _disable(self, message: Incoming) -> Sequence[Any]:
        if self._dmabufs is not None:
            self._dmabufs.disable()
        self.framebuffer.disable()
        return ()

    def _scanout_dmabuf(self, message: Incoming) -> Sequence[Any]:
        index, *rest = message.body
        fd = message.take_fd(index)
        self._show_dmabuf(lambda: whole_buffer(fd, *rest))
        return ()

    def _show_dmabuf(self, make: Callable[[], Dmabuf]) -> None:
        try:
            dmabuf = make()
        except DisplayProtocolError as error:
            self._on_card().refuse(str(error))
            raise
        self._on_card().scanout(dmabuf)

    def _update_dmabuf(self, message: Incoming) -> ReplyBody:
        return self._on_card().update(Rect(*message.body))

    def _on_card(self) -> DmabufScanout:
        if self._dmabufs is None:
            self._dmabufs = DmabufScanout(
                self.framebuffer,
                self._graphics,
                on_problem=self._tell_problem,
                on_shown=lambda: self._shown(ScanoutMode.DMABUF),
            )
        return self._dmabufs

    def _mouse_set(self, message: Incoming) -> Sequence[Any]:
        x, y, on = message.body
        self.sink.move_cursor(x, y, bool(on))
        return ()

    def _cursor_define(self, message: Incoming) -> Sequence[Any]:
        try:
            self._define_cursor(cursor_shape(*message.body))
        except DisplayProtocolError:
            # The pointer that was shown before is not the guest's any more.
            self._define_cursor(NO_CURSOR)
            raise
        return ()

    def _define_cursor(self, shape: CursorShape) -> None:
        self.sink.define_cursor(shape.width, shape.height, shape.hot_x, shape.hot_y, shape.pixels)


def _fixed(layout: struct.Struct, body: memoryview) -> tuple[int, ...]:
    if len(body) < layout.size:
        raise DisplayProtocolError(f"a picture's message of {len(body)} bytes")
    return layout.unpack_from(body)


def _bytes(body: memoryview, at: int, size: int) -> memoryview:
    if at + size != len(body):
        raise DisplayProtocolError(f"{len(body) - at} bytes of pixels where {size} were announced")
    return body[at:]
