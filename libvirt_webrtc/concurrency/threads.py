"""A blocking call in a thread of its own: :func:`in_thread` for asyncio, :func:`with_limit` for blocking code.

Not asyncio.to_thread: its threads are joined at exit, and a call into a frozen libvirtd, or for a frozen QEMU,
may never return. These threads are daemons, end with the call, and do not queue behind a stuck one.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(function: Callable[[], T], *, discard: Callable[[T], object] | None = None) -> T:
    """The result of ``function``, which runs to its end even where the caller is cancelled.

    ``discard`` gets, in some thread, the result that nobody waits for any more.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    threading.Thread(
        target=_run, args=(loop, future, function, discard), name="libvirt-call", daemon=True
    ).start()
    try:
        return await future
    except asyncio.CancelledError:
        # Cancelled between the result's arrival and this task's turn.
        if not future.cancelled() and future.exception() is None:
            _drop(future.result(), discard)
        raise
    finally:
        # An exception's traceback holds this frame, and the future holds the exception: libvirt's objects in
        # the frames would keep their connection's socket open until the garbage collector finds that circle.
        del future


def with_limit(
    function: Callable[[], T], limit_s: float, *, discard: Callable[[T], object] | None = None
) -> T:
    """The result of ``function``, or its exception. Blocks for ``limit_s`` seconds at most.

    The call cannot be ended: after the limit its thread goes on, and ``discard`` gets the result if one comes.

    Raises:
        TimeoutError: the limit is over.
    """
    outcome: queue.SimpleQueue[tuple[T] | Exception] = queue.SimpleQueue()
    lock = threading.Lock()
    given_up = False

    def run() -> None:
        try:
            result: tuple[T] | Exception = (function(),)
        except Exception as error:  # whatever it is, it belongs to the caller
            result = error
        with lock:
            late = given_up
            if not late:
                outcome.put(result)
        if late and discard is not None and isinstance(result, tuple):
            discard(result[0])

    threading.Thread(target=run, name="limited-call", daemon=True).start()
    try:
        result = outcome.get(timeout=limit_s)
    except queue.Empty:
        with lock:
            given_up = True
        if outcome.empty():
            raise TimeoutError from None
        result = outcome.get()  # it came between the end of the limit and the lock
    if isinstance(result, Exception):
        raise result
    return result[0]


def _run(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[T],
    function: Callable[[], T],
    discard: Callable[[T], object] | None,
) -> None:
    try:
        result = function()
    except Exception as error:  # whatever it is, it belongs to the caller
        _hop(loop, _fail, future, error)
    else:
        if not _hop(loop, _deliver, future, result, discard):
            _drop(result, discard)
    finally:
        del future  # as above


def _deliver(future: asyncio.Future[T], result: T, discard: Callable[[T], object] | None) -> None:
    if future.cancelled():
        _drop(result, discard)
    else:
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: Exception) -> None:
    if not future.cancelled():
        future.set_exception(error)


def _drop(result: T, discard: Callable[[T], object] | None) -> None:
    if discard is not None:
        # Not on the loop's thread: it may block as well.
        threading.Thread(target=discard, args=(result,), name="libvirt-discard", daemon=True).start()


def _hop(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: object) -> bool:
    """Call ``callback`` on the loop; False where the loop is closed."""
    try:
        loop.call_soon_threadsafe(callback, *arguments)
    except RuntimeError:
        return False
    return True
