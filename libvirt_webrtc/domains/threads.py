"""A blocking call in a thread of its own.

Not asyncio.to_thread: its workers are joined at exit, and a call into a frozen libvirtd, or for a frozen QEMU,
may never come back. These threads are daemons, end with the call, and do not queue behind a stuck one.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(function: Callable[[], T], *, discard: Callable[[T], object] | None = None) -> T:
    """The result of ``function``, which runs to its end even where the caller is cancelled.

    ``discard`` gets the result that nobody waits for any more, in any thread.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def drop(result: T) -> None:
        if discard is not None:
            discard(result)

    def deliver(result: T) -> None:
        if future.cancelled():
            # Not here: it may block as well.
            threading.Thread(target=drop, args=(result,), name="libvirt-discard", daemon=True).start()
        else:
            future.set_result(result)

    def fail(error: Exception) -> None:
        if not future.cancelled():
            future.set_exception(error)

    def run() -> None:
        try:
            result = function()
        except Exception as error:  # whatever it is, it belongs to the caller
            _hop(loop, fail, error)
        else:
            if not _hop(loop, deliver, result):
                drop(result)

    threading.Thread(target=run, name="libvirt-call", daemon=True).start()
    try:
        return await future
    except asyncio.CancelledError:
        # Cancelled between the result's arrival and this task's turn.
        if future.done() and not future.cancelled() and future.exception() is None:
            deliver_late = threading.Thread(target=drop, args=(future.result(),), daemon=True)
            deliver_late.start()
        raise


def _hop(loop: asyncio.AbstractEventLoop, callback: Callable[[T], None], value: T) -> bool:
    """Call ``callback`` on the loop; False where the loop is closed."""
    try:
        loop.call_soon_threadsafe(callback, value)
    except RuntimeError:
        return False
    return True
