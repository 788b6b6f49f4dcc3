"""No task ends unseen."""

import asyncio
import logging

import pytest

from libvirt_webrtc.concurrency.tasks import LongLivedTask, TaskSet, UnexpectedEnd, until_one_ends


class Life:
    """What a long-lived task runs: each life ends as ``ends`` says, the last one not at all."""

    def __init__(self, *ends: BaseException | None) -> None:
        self._ends = list(ends)
        self.lives = 0
        self.cleaned_up = False
        self.last_began = asyncio.Event()

    async def run(self) -> None:
        self.lives += 1
        if self._ends:
            if (end := self._ends.pop(0)) is not None:
                raise end
            return
        self.last_began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.cleaned_up = True


@pytest.mark.parametrize("end", [ValueError("a bug"), None, asyncio.CancelledError()])
async def test_an_unexpected_end_is_logged_and_reported_and_the_task_starts_again(
    end: BaseException | None, caplog: pytest.LogCaptureFixture
) -> None:
    life = Life(end, end)
    reported: list[Exception] = []
    task = LongLivedTask(life.run, name="follower", on_failure=reported.append, restart_delays_s=(0, 0.01))
    async with asyncio.timeout(5):
        await life.last_began.wait()
    assert task.running
    await task.close()
    assert life.lives == 3
    assert len(reported) == 2
    expected = ValueError if isinstance(end, ValueError) else UnexpectedEnd
    assert all(isinstance(error, expected) for error in reported)
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(logged) == 2
    assert all("follower" in record.getMessage() and record.exc_info for record in logged)


async def test_close_is_no_failure_and_waits_for_the_cleaning_up(caplog: pytest.LogCaptureFixture) -> None:
    life = Life()
    reported: list[Exception] = []
    task = LongLivedTask(life.run, name="follower", on_failure=reported.append)
    await life.last_began.wait()
    await asyncio.gather(task.close(), task.close())
    assert life.cleaned_up and not task.running
    await task.close()
    await task.wait()
    assert not reported and not caplog.records


async def test_close_ends_a_pause_before_a_restart() -> None:
    task = LongLivedTask(Life(ValueError()).run, name="follower", restart_delays_s=(60,))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        await task.close()


async def test_a_task_without_restarts_ends_its_owner() -> None:
    reported: list[Exception] = []
    life = Life(ValueError("a bug"))
    task = LongLivedTask(life.run, name="follower", on_failure=reported.append, restart_delays_s=None)
    with pytest.raises(ValueError, match="a bug"):
        async with asyncio.timeout(1):
            await task.wait()
    assert not task.running and life.lives == 1 and len(reported) == 1
    await task.close()


async def test_a_report_that_fails_does_not_end_the_task(caplog: pytest.LogCaptureFixture) -> None:
    def report(error: Exception) -> None:
        raise RuntimeError("no list")

    life = Life(ValueError("a bug"))
    task = LongLivedTask(life.run, name="follower", on_failure=report, restart_delays_s=(0,))
    async with asyncio.timeout(1):
        await life.last_began.wait()
    await task.close()
    assert "no list" in caplog.text


async def test_a_short_task_that_fails_is_logged_and_reported_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(error: Exception) -> None:
        raise error

    reported: list[Exception] = []
    tasks = TaskSet(expected=(OSError,))
    tasks.start(fail(OSError()), name="expected", on_failure=reported.append)
    tasks.start(fail(ValueError("a bug")), name="close it", on_failure=reported.append)
    await tasks.join()
    assert [type(error) for error in reported] == [ValueError]
    assert "close it failed unexpectedly" in caplog.text and "expected failed" not in caplog.text


async def test_join_waits_for_what_a_short_task_starts() -> None:
    ended: list[str] = []
    tasks = TaskSet()

    async def second() -> None:
        await asyncio.sleep(0.01)
        ended.append("second")

    async def first() -> None:
        tasks.start(second(), name="second")
        ended.append("first")

    tasks.start(first(), name="first")
    await tasks.join()
    assert ended == ["first", "second"] and len(tasks) == 0


async def test_a_short_task_may_close_its_set() -> None:
    tasks = TaskSet()
    other = tasks.start(asyncio.Event().wait(), name="other")
    await asyncio.wait([tasks.start(tasks.close(), name="close")])
    assert other.cancelled() and len(tasks) == 0


async def test_the_first_to_end_cancels_the_others_and_its_exception_is_raised() -> None:
    cancelled: list[bool] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)

    async def end(error: Exception | None) -> None:
        await asyncio.sleep(0)
        if error is not None:
            raise error

    await until_one_ends(wait(), end(None))
    with pytest.raises(ValueError, match="a bug"):
        await until_one_ends(wait(), end(ValueError("a bug")), wait())
    assert len(cancelled) == 3


async def test_cancelling_cancels_all() -> None:
    ended: list[int] = []

    async def wait(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    tasks = TaskSet()
    both = tasks.start(until_one_ends(wait(1), wait(2)), name="both")
    await asyncio.sleep(0.01)
    both.cancel()
    await tasks.join()
    assert sorted(ended) == [1, 2]
