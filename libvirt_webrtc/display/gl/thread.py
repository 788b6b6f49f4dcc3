"""The thread that OpenGL belongs to: one for all consoles of a worker, started when the first DMA-BUF comes."""

import itertools
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, TypeVar

from libvirt_webrtc.errors import GraphicsError
from libvirt_webrtc.logs import LimitedLogger

if TYPE_CHECKING:
    from libvirt_webrtc.display.gl.context import Context

logger = logging.getLogger(__name__)

T = TypeVar("T")

END_S = 1.0
"""How long :meth:`GraphicsThread.close` waits for the thread, in seconds: a driver that hangs must not keep a worker
from ending, and the supervisor kills one that takes longer than ``WORKER_END_S`` of ``agent/limits.py``."""

MAX_WAITING = 128
"""Jobs that may wait; further ones fail. A driver that keeps up has a few. Behind one that hangs QEMU's scanouts
would pile up, each with up to four file descriptors, and a process has 1,024 as a rule."""


class Urgency(IntEnum):
    """Which job goes first; of equal ones the older."""

    QEMU = 0
    """The guest's drawing is blocked until it is done."""
    ENCODER = 1
    END = 2


class GraphicsThread:
    """Runs jobs, one after the other, with the OpenGL context that is made for the first of them.

    Where no context can be made every job fails, for the same reason: what a host lacks does not come by itself. The
    thread is a daemon, and nothing here waits for it without a limit, because a driver may hang.

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
        self._bugs = LimitedLogger(logger)

    def submit(self, urgency: Urgency, job: Callable[["Context"], T]) -> Future[T]:
        """Have ``job`` run with the context; its result, or its error, is the future's. From any thread; never blocks.

        The future fails with GraphicsError where there is no context, where ``MAX_WAITING`` jobs wait, and after
        :meth:`close`. It may be cancelled while the job waits.
        """
        future: Future[T] = Future()

        def run(context: "Context | None") -> None:
            if not future.set_running_or_notify_cancel():
                return
            if context is None:
                future.set_exception(self._failure or GraphicsError("OpenGL is not used any more"))
                return
            try:
                future.set_result(job(context))
            except GraphicsError as error:
                future.set_exception(error)
            except Exception as bug:
                # A guest may repeat what leads here with every frame.
                self._bugs.warning("OpenGL: unexpected", exc_info=bug)
                future.set_exception(GraphicsError(f"unexpected: {bug!r}"))

        with self._lock:
            full = self._jobs.qsize() >= MAX_WAITING
            if not self._closed and not full:
                self._jobs.put((urgency, next(self._numbers), run))
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="opengl", daemon=True)
                    self._thread.start()
                return future
        if full:
            future.set_exception(GraphicsError("the graphics driver does not keep up, or hangs"))
        else:
            run(None)
        return future

    def discard(self, free: Callable[[], None]) -> None:
        """Have ``free`` called after the next job. From any thread, also by the garbage collector."""
        # No lock: the collector may run where one is held.
        self._discarded.append(free)

    def close(self) -> None:
        """End the thread; every job that has not begun fails. Blocks for at most ``END_S``. Idempotent."""
        with self._lock:
            self._closed = True
            thread = self._thread
            if thread is not None:
                self._jobs.put((Urgency.END, next(self._numbers), None))
        if thread is None:
            return
        thread.join(END_S)
        if thread.is_alive():
            logger.warning("the graphics driver hangs; its thread is left behind")
            self._fail_waiting()

    def _fail_waiting(self) -> None:
        """Release those who wait for jobs behind one that hangs. The thread finds its end first if it goes on."""
        waiting = []
        with suppress(queue.Empty):
            while True:
                waiting.append(self._jobs.get_nowait())
        self._jobs.put((Urgency.QEMU, next(self._numbers), None))
        for _, _, job in waiting:
            if job is not None:
                job(None)

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
            except Exception as bug:
                self._bugs.warning("OpenGL: memory could not be freed", exc_info=bug)

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
