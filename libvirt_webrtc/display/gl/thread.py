"""The thread that OpenGL belongs to: one for all consoles of a worker, begun when the first DMA-BUF comes."""

import itertools
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from enum import IntEnum
from typing import TYPE_CHECKING, TypeVar

from libvirt_webrtc.errors import GraphicsError

if TYPE_CHECKING:
    from libvirt_webrtc.display.gl.context import Context

logger = logging.getLogger(__name__)

T = TypeVar("T")

END_S = 2.0
"""A driver that hangs must not keep a worker from ending."""


class Urgency(IntEnum):
    """Which job goes first; of equal ones the older."""

    QEMU = 0
    """A guest stands still until it is done."""
    ENCODER = 1
    END = 2


class GraphicsThread:
    """Runs jobs, one after the other, with the OpenGL context that is made for the first of them.

    Where there can be none every job fails with the same reason: what a machine lacks does not come by itself.

    Args:
        device: ``auto``, ``software``, or a render node's path.
        preferred_node: the node that ``auto`` tries first: the one that QEMU itself draws with.
    """

    def __init__(self, device: str = "auto", preferred_node: str | None = None) -> None:
        self._device = device
        self._preferred_node = preferred_node
        self._jobs: queue.PriorityQueue[tuple[int, int, Callable[[Context | None], None] | None]]
        self._jobs = queue.PriorityQueue()
        self._discarded: deque[Callable[[], None]] = deque()
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._failure: GraphicsError | None = None

    def submit(self, urgency: Urgency, job: Callable[["Context"], T]) -> Future[T]:
        """Have ``job`` run with the context; its result, or its error, is the future's. From any thread."""
        future: Future[T] = Future()

        def run(context: "Context | None") -> None:
            if context is None:
                future.set_exception(self._failure or GraphicsError("OpenGL is not used any more"))
                return
            try:
                future.set_result(job(context))
            except GraphicsError as error:
                future.set_exception(error)
            except Exception as bug:
                logger.exception("OpenGL: unexpected")
                future.set_exception(GraphicsError(f"unexpected: {bug!r}"))

        with self._lock:
            if not self._closed:
                self._jobs.put((urgency, next(self._numbers), run))
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="opengl", daemon=True)
                    self._thread.start()
                return future
        run(None)
        return future

    def discard(self, free: Callable[[], None]) -> None:
        """Have ``free`` called after the next job. From any thread, also by the garbage collector."""
        # No lock: the collector may run where one is held.
        self._discarded.append(free)

    def close(self) -> None:
        """End the thread, and every job that has not begun; twice is fine. Blocks until it is done, or hangs."""
        with self._lock:
            self._closed = True
            thread = self._thread
            if thread is not None:
                self._jobs.put((Urgency.END, next(self._numbers), None))
        if thread is not None:
            thread.join(END_S)
            if thread.is_alive():
                logger.warning("OpenGL does not come to an end")

    def _run(self) -> None:
        context = self._open()
        try:
            while True:
                _, _, job = self._jobs.get()
                if job is None:
                    return
                job(None if self._closed else context)
                job = None
                self._tidy()
        finally:
            if context is not None:
                # With all that was made in it.
                context.close()

    def _tidy(self) -> None:
        while self._discarded:
            try:
                self._discarded.popleft()()
            except Exception:
                logger.exception("OpenGL: memory could not be freed")

    def _open(self) -> "Context | None":
        try:
            from libvirt_webrtc.display.gl.context import Context

            return Context.open(self._device, self._preferred_node)
        except GraphicsError as error:
            self._failure = GraphicsError(f"OpenGL cannot be used here: {error}")
        except Exception as bug:
            logger.exception("OpenGL: unexpected")
            self._failure = GraphicsError(f"OpenGL cannot be used here: {bug!r}")
        return None
