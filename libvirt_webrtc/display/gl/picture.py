"""One console's picture in a GPU's memory: QEMU's buffer, and a copy of it that is ours.

QEMU does not draw until ``UpdateDMABUF`` is answered, and then draws into the same buffer again. So what changed is
copied before the answer, which is quick. Encoders read the copy, which is upright and whole, at any later time.
"""

import ctypes
from collections.abc import Iterable, Sequence

from libvirt_webrtc.display.dmabuf import Dmabuf
from libvirt_webrtc.display.gl.api import delete, es2, named_errors, new
from libvirt_webrtc.display.gl.context import Context
from libvirt_webrtc.display.gl.image import TEXTURE_EXTERNAL, Image
from libvirt_webrtc.display.gl.planes import PlaneReader, check_framebuffer, new_texture
from libvirt_webrtc.display.gl.shaders import COPY
from libvirt_webrtc.picture.pixels import Plane, Rect
from libvirt_webrtc.picture.surface import PlaneLayout


class CardPicture:
    """A picture of one size. Used in the context's thread only.

    Attributes:
        width, height: size of what the guest shows, in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        """Raises GraphicsError."""
        self.width = width
        self.height = height
        self._image: Image | None = None
        self._stale: Rect | None = None
        self._readers: dict[PlaneLayout, PlaneReader] = {}
        with named_errors("no texture for the picture"):
            self._texture = new_texture(width, height)
            self._framebuffer = new(es2.glGenFramebuffers)
            es2.glBindFramebuffer(es2.GL_FRAMEBUFFER, self._framebuffer)
            es2.glFramebufferTexture2D(
                es2.GL_FRAMEBUFFER, es2.GL_COLOR_ATTACHMENT0, es2.GL_TEXTURE_2D, self._texture, 0
            )
            check_framebuffer()

    def take(self, context: Context, dmabuf: Dmabuf) -> None:
        """QEMU shows ``dmabuf`` from now on, whose part is of this size. It stays the caller's.

        One pixel is copied and read back: some drivers import what they cannot read, and report an error only then.

        Raises:
            GraphicsError: it cannot be read; the copy stays as it was.
        """
        self.let_go()
        with named_errors("its import failed"):
            self._image = Image(context, dmabuf)
            try:
                self._copy(context, self._image, Rect(0, 0, 1, 1))
                # The pixel itself does not matter.
                pixel = (ctypes.c_ubyte * 4)()
                es2.glReadPixels(0, 0, 1, 1, es2.GL_RGBA, es2.GL_UNSIGNED_BYTE, pixel)
            except BaseException:
                self.let_go()
                raise
        self.mark(Rect(0, 0, self.width, self.height))

    def mark(self, rect: Rect) -> None:
        """This part changed in QEMU's buffer; it is copied before the next read."""
        if self._image is not None:
            self._stale = rect if self._stale is None else self._stale.union(rect)

    def refresh(self, context: Context) -> None:
        """Copy what changed. QEMU may draw again when this returns. Raises GraphicsError."""
        with named_errors("the picture could not be copied"):
            self._refresh(context)
            es2.glFinish()

    def read(
        self, context: Context, layout: PlaneLayout, planes: Sequence[Plane], damage: Iterable[Rect]
    ) -> list[Rect]:
        """As ``Surface.to_planes``. Raises GraphicsError."""
        with named_errors("the picture could not be read back"):
            self._refresh(context)
            reader = self._readers.get(layout)
            if reader is None:
                height, width = planes[0].shape
                reader = self._readers[layout] = PlaneReader(context, layout, width, height)
            return reader.read(self._texture, (self.width - 1, self.height - 1), planes, damage)

    def let_go(self) -> None:
        """Release QEMU's buffer; the copy stays. A driver may keep the buffer until it has drawn something else."""
        image, self._image, self._stale = self._image, None, None
        if image is not None:
            image.close()

    def close(self) -> None:
        """Free the copy. Call it once, after :meth:`let_go`."""
        for reader in self._readers.values():
            reader.close()
        delete(es2.glDeleteFramebuffers, self._framebuffer)
        delete(es2.glDeleteTextures, self._texture)

    def _refresh(self, context: Context) -> None:
        if self._stale is not None and self._image is not None:
            self._copy(context, self._image, self._stale)
            self._stale = None

    def _copy(self, context: Context, image: Image, rect: Rect) -> None:
        """Copy ``rect``, which counts rows from the top as the guest sees them, whatever their order in memory."""
        es2.glBindFramebuffer(es2.GL_FRAMEBUFFER, self._framebuffer)
        program = context.program(COPY)
        part = image.part
        flipped = self.height if image.bottom_up else 0
        program.set(source=(0,), origin=(part.x, part.y), flipped=(flipped,))
        es2.glActiveTexture(es2.GL_TEXTURE0)
        es2.glBindTexture(TEXTURE_EXTERNAL, image.texture)
        program.draw(rect.x, rect.y, rect.width, rect.height)
