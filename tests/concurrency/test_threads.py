"""Blocking calls in threads of their own."""

import asyncio
import threading

import pytest

from libvirt_webrtc.concurrency.threads import in_thread, with_limit


async def test_gives_the_result_of_another_thread() -> None:
    assert await in_thread(threading.current_thread) is not threading.current_thread()


async def test_raises_what_the_function_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def test_result_that_nobody_waits_for_is_discarded() -> None:
    go, discarded = threading.Event(), threading.Event()
    results: list[int] = []

    def discard(result: int) -> None:
        results.append(result)
        discarded.set()

    def work() -> int:
        go.wait()
        return 7

    task = asyncio.create_task(in_thread(work, discard=discard))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    go.set()
    await in_thread(discarded.wait)
    assert task.cancelled() and results == [7]


async def test_result_that_arrives_just_before_the_cancellation_is_discarded() -> None:
    loop = asyncio.get_running_loop()
    discarded = threading.Event()

    def cancel_behind_the_result(caller: threading.Thread) -> None:
        caller.join()  # its result waits for the loop's next turn now, and the cancellation behind it
        loop.call_soon(task.cancel)

    def work() -> int:
        loop.call_soon_threadsafe(cancel_behind_the_result, threading.current_thread())
        return 7

    task = asyncio.create_task(in_thread(work, discard=lambda _: discarded.set()))
    await asyncio.wait([task])
    await in_thread(discarded.wait)
    assert task.cancelled()


def test_stuck_call_does_not_keep_the_process_or_a_closed_loop() -> None:
    go, discarded = threading.Event(), threading.Event()

    def work() -> int:
        go.wait()
        return 7

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await in_thread(work, discard=lambda _: discarded.set())

    asyncio.run(main())
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "libvirt-call")
    go.set()
    assert discarded.wait(30)


def test_limited_call_gives_the_result_or_the_exception() -> None:
    assert with_limit(lambda: 7, 30) == 7
    with pytest.raises(ZeroDivisionError):
        with_limit(lambda: 1 // 0, 30)


def test_result_that_comes_after_the_limit_is_discarded() -> None:
    go, discarded = threading.Event(), threading.Event()

    def work() -> int:
        go.wait()
        return 7

    with pytest.raises(TimeoutError):
        with_limit(work, 0.01, discard=lambda _: discarded.set())
    assert not discarded.is_set()
    go.set()
    assert discarded.wait(30)
