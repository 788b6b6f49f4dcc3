"""DMA-BUF scanouts of one console, from the D-Bus messages to the framebuffer; in the event loop, which never waits.

What OpenGL does about them, it does in its own thread: :mod:`libvirt_webrtc.display.gl`.
"""

import asyncio
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from libvirt_webrtc.display.dmabuf import Dmabuf
from libvirt_webrtc.display.gl.thread import GraphicsThread, Urgency
from libvirt_webrtc.errors import GraphicsError, PictureLost
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import Plane, Rect
from libvirt_webrtc.picture.surface import PlaneLayout

if TYPE_CHECKING:
    from libvirt_webrtc.display.gl.context import Context
    from libvirt_webrtc.display.gl.picture import CardPicture

ANSWER_S = 0.5
"""After this time ``UpdateDMABUF`` is answered in any case: QEMU stands still, and gives up after a second itself."""

PART_PIXELS = 1 << 19
"""So much is converted at once, a quarter of 1080p, before QEMU has its turn again. What it draws between two parts is
damage of the next frame."""
ROWS = 16

NO_SCANOUT = (
    "QEMU draws with OpenGL, but hands no picture over: its driver exports no DMA-BUF "
    "(with software rendering it needs /dev/udmabuf; see QEMU's log for 'failed to get fd for texture')"
)


class CardSurface:
    """The copy of a picture that encoders read (:class:`libvirt_webrtc.picture.surface.Surface`)."""

    def __init__(self, thread: GraphicsThread, card: "CardPicture") -> None:
        self.card = card
        self.width = card.width
        self.height = card.height
        self._thread = thread
        # An encoder may hold the last reference, in its own thread.
        weakref.finalize(self, thread.discard, card.close).atexit = False

    def to_planes(self, layout: PlaneLayout, planes: Sequence[Plane], damage: Iterable[Rect]) -> list[Rect]:
        written = []
        for part in _parts(damage):
            job = self._thread.submit(
                Urgency.ENCODER, partial(self._read, layout=layout, planes=planes, damage=part)
            )
            try:
                written += job.result()
            except GraphicsError as error:
                raise PictureLost(str(error)) from error
        return written

    def _read(
        self, context: "Context", layout: PlaneLayout, planes: Sequence[Plane], damage: Sequence[Rect]
    ) -> list[Rect]:
        return self.card.read(context, layout, planes, damage)


def _parts(damage: Iterable[Rect]) -> Iterator[list[Rect]]:
    """``damage`` in portions of about ``PART_PIXELS``, cut where rows of all planes and layers begin."""
    part: list[Rect] = []
    pixels = 0
    for rect in damage:
        rows = max(PART_PIXELS // rect.width, ROWS) // ROWS * ROWS
        y = rect.y
        while y < rect.bottom:
            bottom = min((y // ROWS) * ROWS + rows, rect.bottom)
            if part and pixels + rect.width * (bottom - y) > PART_PIXELS:
                yield part
                part, pixels = [], 0
            part.append(Rect(rect.x, y, rect.width, bottom - y))
            pixels += rect.width * (bottom - y)
            y = bottom
    if part:
        yield part


class _Card:
    """The picture as the thread has it; all but the constructor runs there, in the order of the messages."""

    def __init__(self) -> None:
        self._picture: CardPicture | None = None

    def take(self, dmabuf: Dmabuf, context: "Context") -> "CardPicture":
        """QEMU shows ``dmabuf`` from now on. Raises GraphicsError."""
        from libvirt_webrtc.display.gl.picture import CardPicture

        size = dmabuf.part.width, dmabuf.part.height
        picture = self._picture
        if picture is not None and (picture.width, picture.height) == size:
            picture.take(context, dmabuf)
            return picture
        self.let_go(context)
        made = CardPicture(*size)
        try:
            made.take(context, dmabuf)
        except BaseException:
            made.close()
            raise
        self._picture = made
        return made

    def update(self, rect: Rect, copy: bool, context: "Context") -> None:
        """``rect`` changed; ``copy`` it before QEMU goes on. Raises GraphicsError."""
        if self._picture is not None and (clipped := rect.clipped(self._picture.width, self._picture.height)):
            self._picture.mark(clipped)
            if copy:
                self._picture.refresh(context)

    def let_go(self, context: "Context") -> None:
        """QEMU shows nothing; the copy stays readable."""
        if self._picture is not None:
            self._picture.let_go()

    def leave(self, context: "Context") -> None:
        """As :meth:`let_go`, and the next scanout makes a new picture."""
        self.let_go(context)
        self._picture = None


class DmabufScanout:
    """Feeds ``framebuffer``.

    Args:
        on_problem: called with what keeps QEMU's picture from being shown, and with nothing once it is shown.
        on_shown: called, without arguments, when a scanout has come into the framebuffer.
    """

    def __init__(
        self,
        framebuffer: Framebuffer,
        thread: GraphicsThread,
        *,
        on_problem: Callable[[str], None],
        on_shown: Callable[[], None],
    ) -> None:
        self._framebuffer = framebuffer
        self._thread = thread
        self._on_problem = on_problem
        self._on_shown = on_shown
        self._card = _Card()
        self._surface: CardSurface | None = None
        self._problem = ""
        self._began = False
        self._number = 0
        self._valid_from = 0
        """Scanouts before this number are over, even if they are still being imported."""

    def scanout(self, dmabuf: Dmabuf) -> None:
        """A new picture; takes over ``dmabuf``."""
        self._began = True
        self._number += 1
        what = str(dmabuf)
        job = self._thread.submit(Urgency.QEMU, partial(self._card.take, dmabuf))
        job.add_done_callback(lambda _: dmabuf.close())
        asyncio.wrap_future(job).add_done_callback(partial(self._taken, self._number, what))

    def refuse(self, reason: str) -> None:
        """A new picture that cannot be used: nothing more comes from the one before."""
        self._began = True
        self.disable()
        self._set_problem(f"QEMU's picture cannot be shown: {reason}")

    def update(self, rect: Rect) -> asyncio.Future[Sequence[Any]]:
        """A part of the picture changed; done, with no values, as soon as QEMU may draw again."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[Any]] = loop.create_future()
        if not self._began:
            self._set_problem(NO_SCANOUT)
            answer.set_result(())
            return answer
        watched = self._framebuffer.watched
        job = asyncio.wrap_future(
            self._thread.submit(Urgency.QEMU, partial(self._card.update, rect, watched))
        )

        def finish() -> None:
            timer.cancel()
            if not answer.done():
                answer.set_result(())

        timer = loop.call_later(ANSWER_S, finish)
        if not watched:
            finish()
        job.add_done_callback(lambda _: finish())
        job.add_done_callback(partial(self._updated, self._number, rect))
        return answer

    def disable(self) -> None:
        """QEMU shows nothing until the next scanout."""
        self._valid_from = self._number + 1
        if self._began:
            self._forget(self._card.let_go)

    def leave(self) -> None:
        """QEMU shows its pictures another way from now on."""
        if self._began:
            self.disable()
            self._forget(self._card.leave)
            self._surface = None
            self._began = False
        self._set_problem("")

    def _forget(self, job: "Callable[[Context], None]") -> None:
        # Without OpenGL there is nothing to let go.
        self._thread.submit(Urgency.QEMU, job).add_done_callback(lambda done: done.exception())

    def _taken(self, number: int, what: str, done: "asyncio.Future[CardPicture]") -> None:
        if done.cancelled():
            return
        error = done.exception()
        if number < self._valid_from:
            return
        if error is not None:
            self._set_problem(f"QEMU's picture of {what} cannot be shown: {error}")
            return
        card = done.result()
        if self._surface is None or self._surface.card is not card:
            self._surface = CardSurface(self._thread, card)
        self._set_problem("")
        self._framebuffer.show(self._surface)
        self._on_shown()

    def _updated(self, number: int, rect: Rect, done: asyncio.Future[None]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if number < self._valid_from or self._surface is None:
            return
        if error is not None:
            self._set_problem(f"QEMU's picture cannot be shown any more: {error}")
        elif self._framebuffer.surface is self._surface:
            self._framebuffer.touch(rect)

    def _set_problem(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self._on_problem(problem)
