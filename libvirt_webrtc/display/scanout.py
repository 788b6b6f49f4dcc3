"""DMA-BUF scanouts of one console, from the D-Bus messages to the framebuffer.

All but :class:`_Card` runs in the event loop and never waits. OpenGL is used in a thread of its own:
:mod:`libvirt_webrtc.display.gl`.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from libvirt_webrtc.display.card_surface import CardSurface
from libvirt_webrtc.display.dmabuf import Dmabuf
from libvirt_webrtc.display.gl.thread import GraphicsThread, Urgency
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import Rect

if TYPE_CHECKING:
    from libvirt_webrtc.display.gl.context import Context
    from libvirt_webrtc.display.gl.picture import CardPicture

ANSWER_S = 0.5
"""``UpdateDMABUF`` is answered after this time in any case, in seconds: the guest's drawing is blocked until then, and
QEMU itself goes on after 1 s (``ui/dbus-listener.c``)."""

HUNG_S = 5.0
"""A driver that has not done a job for this long, in seconds, is reported to the page as one that hangs."""

HUNG = f"QEMU's picture stands still: the graphics driver has not answered for {HUNG_S:g} s"

NO_SCANOUT = (
    "QEMU draws with OpenGL, but hands no picture over: its driver exports no DMA-BUF "
    "(with software rendering it needs /dev/udmabuf; see QEMU's log for 'failed to get fd for texture')"
)


class _Card:
    """The picture as the thread has it. All but the constructor runs there, in the order of the messages."""

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
        """``rect`` changed; with ``copy`` it is copied before QEMU goes on. Raises GraphicsError."""
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
        on_problem: called with what keeps QEMU's picture from being shown, and with "" when that is over.
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
        self._hung = False
        self._began = False
        self._number = 0
        self._valid_from = 0
        """Scanouts of a lower number have been replaced, even if they are still being imported."""

    def scanout(self, dmabuf: Dmabuf) -> None:
        """A new picture; takes over ``dmabuf``."""
        self._began = True
        self._number += 1
        what = str(dmabuf)
        job = self._thread.submit(Urgency.QEMU, partial(self._card.take, dmabuf))
        job.add_done_callback(lambda _: dmabuf.close())
        taken = asyncio.wrap_future(job)
        self._watch(taken)
        taken.add_done_callback(partial(self._taken, self._number, what))

    def refuse(self, reason: str) -> None:
        """A new picture that cannot be used: nothing more comes from the one before."""
        self._began = True
        self.disable()
        self._set_problem(f"QEMU's picture cannot be shown: {reason}")

    def update(self, rect: Rect) -> asyncio.Future[Sequence[Any]]:
        """A part of the picture changed. The future is done, with no values, as soon as QEMU may draw again: after at
        most ``ANSWER_S``."""
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
        self._watch(job)
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

    def _watch(self, job: asyncio.Future[Any]) -> None:
        """Report a driver that hangs in this job, until it goes on."""

        def report() -> None:
            self._hung = True
            self._set_problem(HUNG)

        timer = asyncio.get_running_loop().call_later(HUNG_S, report)
        job.add_done_callback(lambda _: timer.cancel())

    def _forget(self, job: "Callable[[Context], None]") -> None:
        # Without OpenGL there is nothing to let go.
        self._thread.submit(Urgency.QEMU, job).add_done_callback(lambda done: done.exception())

    def _taken(self, number: int, what: str, done: "asyncio.Future[CardPicture]") -> None:
        if done.cancelled():
            return
        error = done.exception()
        self._goes_on()
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
        self._goes_on()
        if number < self._valid_from or self._surface is None:
            return
        if error is not None:
            self._set_problem(f"QEMU's picture cannot be shown any more: {error}")
        elif self._framebuffer.surface is self._surface:
            self._framebuffer.touch(rect)

    def _goes_on(self) -> None:
        if self._hung:
            self._hung = False
            self._set_problem("")

    def _set_problem(self, problem: str) -> None:
        # Something else may have been told since, so a problem is told again; one of others is not taken back.
        if problem or self._problem:
            self._problem = problem
            self._on_problem(problem)
