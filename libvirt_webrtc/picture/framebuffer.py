"""The picture of one console: what the display fills and the encoder reads.

Pure: no I/O, no event loop. Pixels are always B, G, R, X bytes. Data that has this layout already is used in place
where possible: QEMU's own shared memory, and whole pictures that are handed over. All other data is converted as it
comes in. Pictures in a graphics card stay there, as a :class:`~libvirt_webrtc.picture.surface.Surface`.
"""

from collections.abc import Callable

import numpy as np

from libvirt_webrtc.errors import DisplayProtocolError
from libvirt_webrtc.picture.blank_screen import is_placeholder
from libvirt_webrtc.picture.damage import DamageCursor
from libvirt_webrtc.picture.pixels import (
    Buffer,
    PixelFormat,
    Pixels,
    Rect,
    check_position,
    check_size,
    convert,
    format_of,
    view_of,
)
from libvirt_webrtc.picture.surface import Surface


class Framebuffer:
    """The newest picture of one console, and for each of its readers the part that this reader has not read yet.

    Attributes:
        width, height: size of the guest's picture in pixels; 0 before the first scanout.
        pixels: ``(height, width, 4)`` uint8, B, G, R, X; a strided view of QEMU's memory while ``mapped``; empty while
            there is a ``surface``.
        mapped: True where the picture came by ``ScanoutMap`` (shared memory), not by ``Scanout``.
        surface: the picture where a graphics card holds it (``ScanoutDMABUF``); None where ``pixels`` do.
        enabled: False while the guest shows nothing (``Disable``, or QEMU's own picture that says so).
        generation: grows whenever the size changes, or the picture enters or leaves shared memory or a graphics card.
        on_shape: called, without arguments, after ``generation`` or ``enabled`` changed; must be cheap and not raise.
    """

    def __init__(self) -> None:
        self.width = 0
        self.height = 0
        self.pixels: Pixels = np.zeros((0, 0, 4), np.uint8)
        self.mapped = False
        self.surface: Surface | None = None
        self.enabled = False
        self.generation = 0
        self.on_shape: Callable[[], None] | None = None
        self._source: tuple[Buffer, int, PixelFormat] | None = None
        self._cursors: tuple[DamageCursor, ...] = ()
        self._placeholder = False

    @property
    def picture(self) -> Pixels | Surface:
        """The surface where there is one, else the pixels."""
        return self.pixels if self.surface is None else self.surface

    @property
    def watched(self) -> bool:
        """Whether anybody reads the picture when it changes."""
        return bool(self._cursors)

    def subscribe(self, wake: Callable[[], None]) -> DamageCursor:
        """Collect changes for a new reader from now on, until it closes the cursor; see :class:`DamageCursor`.

        What the picture shows already is no change: a new reader begins with the whole of it.
        """
        cursor = DamageCursor(wake, self._unsubscribe)
        self._cursors += (cursor,)
        return cursor

    def scanout(
        self, width: int, height: int, stride: int, pixel_format: int, data: Buffer, *, own: bool = False
    ) -> None:
        """Show a whole new picture (``Listener.Scanout``).

        ``data`` is copied; but where it is given away (``own``: writable, and used by nobody else from now on) and
        needs no conversion, it is used in place.
        """
        view = view_of(width, height, stride, pixel_format, data)
        kind = format_of(pixel_format)
        if own and kind.is_bgrx:
            self._adopt(view)
        else:
            self._resize(width, height)
            self._store(Rect(0, 0, width, height), view, kind)

    def update(
        self,
        x: int,
        y: int,
        width: int,
        height: int,
        stride: int,
        pixel_format: int,
        data: Buffer,
        *,
        own: bool = False,
    ) -> None:
        """Show a changed rectangle (``Listener.Update``). It is copied, unless it is the whole picture and ``own``; see
        :meth:`scanout`.

        QEMU 7.2 sends rectangles beyond the last scanout after a mode change, without a new ``Scanout``: the
        picture grows to hold them.
        """
        check_position(x, y, width, height)
        view = view_of(width, height, stride, pixel_format, data)
        kind = format_of(pixel_format)
        if own and kind.is_bgrx and not (x or y) and width >= self.width and height >= self.height:
            self._adopt(view)
            return
        if x + width > self.width or y + height > self.height:
            self._grow(max(self.width, x + width), max(self.height, y + height))
        elif self._elsewhere:
            # QEMU left the shared map, or the graphics card, without a new scanout: never write into its memory.
            self._grow(self.width, self.height)
        self._store(Rect(x, y, width, height), view, kind)

    def resize(self, width: int, height: int) -> None:
        """Follow the console's own size property: keep what fits, and show the rest black."""
        check_size(width, height)
        if (width, height) != (self.width, self.height) and self.width:
            self._grow(width, height)
            self._touch(Rect(0, 0, width, height))

    def map(self, width: int, height: int, stride: int, pixel_format: int, memory: Buffer) -> None:
        """Show a picture in shared memory from now on (``Unix.Map.ScanoutMap``).

        ``memory`` starts at the picture's first row; it is never written to.
        """
        view = view_of(width, height, stride, pixel_format, memory)
        kind = format_of(pixel_format)
        self.width, self.height, self.mapped, self.surface = width, height, True, None
        self._source = (memory, stride, kind)
        self.pixels = view if kind.is_bgrx else np.zeros((height, width, 4), np.uint8)
        self._reshaped()
        self.update_map(0, 0, width, height)

    def update_map(self, x: int, y: int, width: int, height: int) -> None:
        """Take note that a rectangle of the shared picture has changed (``Unix.Map.UpdateMap``)."""
        check_position(x, y, width, height)
        if not self.mapped or self._source is None:
            raise DisplayProtocolError("UpdateMap without a mapped scanout")
        rect = Rect(x, y, width, height).clipped(self.width, self.height)
        if rect is None:
            return
        memory, stride, kind = self._source
        if not kind.is_bgrx:
            whole = view_of(self.width, self.height, stride, kind, memory)
            area = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
            convert(whole[area], kind, self.pixels[area])
        self._touch(rect)

    def show(self, surface: Surface) -> None:
        """Show a picture in a graphics card's memory from now on; all of it is new."""
        if surface is not self.surface:
            self._use(np.zeros((0, 0, 4), np.uint8), surface)
        self._touch(Rect(0, 0, self.width, self.height))

    def touch(self, rect: Rect) -> None:
        """Take note that a rectangle of the surface has changed."""
        if self.surface is None:
            raise DisplayProtocolError("a surface changed, and none is shown")
        clipped = rect.clipped(self.width, self.height)
        if clipped is not None:
            self._touch(clipped)

    def disable(self) -> None:
        """Take note that the guest shows nothing until the next scanout; the last picture stays readable."""
        self._set_enabled(False)

    def _unsubscribe(self, cursor: DamageCursor) -> None:
        self._cursors = tuple(other for other in self._cursors if other is not cursor)

    def _set_enabled(self, enabled: bool) -> None:
        if self.enabled != enabled:
            self.enabled = enabled
            if self.on_shape is not None:
                self.on_shape()

    def _reshaped(self) -> None:
        for cursor in self._cursors:
            cursor.clip(self.width, self.height)
        self.generation += 1
        if self.on_shape is not None:
            self.on_shape()

    @property
    def _elsewhere(self) -> bool:
        """Whether the picture is in memory that is not this process's own."""
        return self.mapped or self.surface is not None

    def _resize(self, width: int, height: int) -> None:
        if self._elsewhere or (width, height) != (self.width, self.height):
            self._use(np.zeros((height, width, 4), np.uint8))

    def _adopt(self, pixels: Pixels) -> None:
        """Use pixels that were given away; an encoder that still reads the old ones keeps them meanwhile."""
        height, width = pixels.shape[:2]
        if self._elsewhere or (width, height) != (self.width, self.height):
            self._use(pixels)
        else:
            self.pixels = pixels
        self._touch(Rect(0, 0, width, height))

    def _use(self, pixels: Pixels, surface: Surface | None = None) -> None:
        """Change to pixels of this process, or to a surface, where the size or the kind of memory changes."""
        self.pixels = pixels
        self.surface = surface
        self.height, self.width = pixels.shape[:2] if surface is None else (surface.height, surface.width)
        self.mapped = False
        self._source = None
        self._reshaped()

    def _grow(self, width: int, height: int) -> None:
        old, new = self.pixels, np.zeros((height, width, 4), np.uint8)
        rows, columns = min(old.shape[0], height), min(old.shape[1], width)
        new[:rows, :columns] = old[:rows, :columns]
        self._use(new)

    def _store(self, rect: Rect, view: Pixels, kind: PixelFormat) -> None:
        convert(view, kind, self.pixels[rect.y : rect.bottom, rect.x : rect.right])
        self._touch(rect)

    def _touch(self, rect: Rect) -> None:
        if self._placeholder or (rect.width, rect.height) == (self.width, self.height):
            self._placeholder = is_placeholder(self.pixels)
        self._set_enabled(not self._placeholder)
        for cursor in self._cursors:
            cursor.add(rect)
