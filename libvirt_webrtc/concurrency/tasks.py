"""How the program runs tasks.

:class:`LongLivedTask` runs a loop for as long as its owner lives. :class:`TaskSet` holds short tasks that are started
from callbacks. Nobody awaits these, and neither loses an exception: it is logged with its traceback and reported to the
owner. Tasks that are awaited where they are made belong into :func:`until_one_ends` or an ``asyncio.TaskGroup``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

log = logging.getLogger(__name__)

RESTART_DELAYS_S = (0.2, 1.0, 5.0, 30.0)
"""Pauses before successive restarts of a long-lived task; the last one repeats. A bug that shows at every start then
costs two log entries a minute."""

STABLE_S = 60.0
"""A long-lived task that ran for this many seconds begins with the first delay again when it fails."""

OnFailure = Callable[[Exception], object]
"""Called on the loop, after the log entry, with what ended a task."""


class UnexpectedEnd(Exception):
    """A long-lived task returned, or was cancelled, and its owner did not ask for it."""


class LongLivedTask:
    """Runs ``run()`` until :meth:`close`.

    Every other end is unexpected: an exception, a plain return, a ``CancelledError`` that does not come from
    :meth:`close`. It is logged, ``on_failure`` is called, and then ``run()`` is called again after a pause. With
    ``restart_delays_s=None`` it is not: :meth:`wait` raises the error, for an owner that ends with this task.

    Args:
        run: the task's whole life; called again for each restart. It turns errors that it expects into something else.
        name: of the asyncio task, and the beginning of the log entries.
        on_failure: hears of each unexpected end, for instance to show it in a list. It must not raise.
        restart_delays_s: pauses in seconds before the first, second, ... restart; the last one repeats.
    """

    def __init__(
        self,
        run: Callable[[], Awaitable[object]],
        *,
        name: str,
        on_failure: OnFailure | None = None,
        restart_delays_s: Sequence[float] | None = RESTART_DELAYS_S,
    ) -> None:
        self._run = run
        self._name = name
        self._on_failure = on_failure
        self._delays_s = restart_delays_s
        self._closing = False
        self._task = asyncio.get_running_loop().create_task(self._supervise(), name=name)

    @property
    def running(self) -> bool:
        """False after :meth:`close`, and after the unexpected end of a task that is not restarted."""
        return not self._task.done() and not self._closing

    async def wait(self) -> None:
        """Return when the task has been closed. May be cancelled, which does not touch the task.

        Raises:
            Exception: what ended the task, where it is not restarted.
        """
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def close(self) -> None:
        """Cancel the task and wait until it has ended. Idempotent; called by the task itself, it only cancels.

        Takes as long as ``run()`` takes to clean up.
        """
        if not self._closing:
            # Only once: a second cancellation would cut short the cleaning up that the first one began.
            self._closing = True
            self._task.cancel()
        if self._task is not asyncio.current_task():
            await asyncio.wait([self._task])

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            error = await self._run_once()
            failures = 1 if loop.time() - began > STABLE_S else failures + 1
            if self._delays_s is None:
                log.error("%s ended unexpectedly: %r", self._name, error, exc_info=error)
                _report(self._name, self._on_failure, error)
                raise error
            delay_s = self._delays_s[min(failures, len(self._delays_s)) - 1]
            log.error(
                "%s ended unexpectedly: %r; restart in %g s", self._name, error, delay_s, exc_info=error
            )
            _report(self._name, self._on_failure, error)
            del error  # its traceback holds this frame
            await asyncio.sleep(delay_s)

    async def _run_once(self) -> Exception:
        try:
            await self._run()
        except asyncio.CancelledError as cancelled:
            if self._closing or _is_cancelling():
                raise
            # Something that run() awaited was cancelled by somebody else, and run() did not expect it.
            stray = UnexpectedEnd("it was cancelled from inside")
            stray.__cause__ = cancelled
            return stray
        except Exception as error:
            return error
        return UnexpectedEnd("it returned")


class TaskSet:
    """Owns short tasks that are started from callbacks, until each has ended.

    An exception of a task is logged with its traceback as soon as the task ends, unless it is one of ``expected``.
    """

    def __init__(self, *, expected: tuple[type[Exception], ...] = ()) -> None:
        self._expected = expected
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(
        self, coroutine: Coroutine[Any, Any, Any], *, name: str, on_failure: OnFailure | None = None
    ) -> asyncio.Task[Any]:
        """Run ``coroutine`` as a task. The task may be cancelled or awaited.

        Args:
            coroutine: what to run.
            name: what the log calls it.
            on_failure: hears of an exception that is not expected. It must not raise.
        """
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, on_failure))
        return task

    def __len__(self) -> int:
        """How many tasks run."""
        return len(self._tasks)

    async def join(self) -> None:
        """Wait until all tasks have ended, those included that are started meanwhile."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Cancel all tasks and wait until they have ended. Idempotent. A task that calls it is not cancelled."""
        others = self._tasks - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)

    def _ended(self, on_failure: OnFailure | None, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if not isinstance(error, Exception):
            return  # nothing, or KeyboardInterrupt and the like, which asyncio passes to the loop's caller
        if not isinstance(error, self._expected):
            log.error("%s failed unexpectedly: %r", task.get_name(), error, exc_info=error)
            _report(task.get_name(), on_failure, error)


async def until_one_ends(*work: Coroutine[Any, Any, object]) -> None:
    """Run all of ``work`` at once. When one ends, cancel the others and wait until they have ended.

    May be cancelled, which cancels all of them.

    Raises:
        Exception: what ended first.
    """
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(coroutine) for coroutine in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _is_cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _report(name: str, on_failure: OnFailure | None, error: Exception) -> None:
    """Call ``on_failure``. Its own exception is logged: a faulty report must not end what it reports on."""
    if on_failure is None:
        return
    try:
        on_failure(error)
    except Exception:
        log.exception("%s: the report of its failure failed", name)
