"""Watchers of a console that note when each picture came, and watchers of the list."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.e2e.whep import offer, signed_in
from tests.support.guests import Guest
from tests.support.portal import Portal

DEADLINE_S = 60.0
"""Guards against waiting for ever: what takes so long is red anyhow."""
POLL_S = 0.02


class Watcher:
    """A viewer in a process of its own, so that nothing that a scenario does holds it up.

    Attributes:
        at: when each picture was decoded, by ``time.monotonic``.
    """

    def __init__(self) -> None:
        self.at: list[float] = []

    def longest_gap_s(self, since: float, until: float | None = None) -> float:
        """The longest time without a picture from ``since`` to ``until``, which is now where it is not given."""
        until = time.monotonic() if until is None else until
        times = [since, *(at for at in self.at if since <= at <= until), until]
        return max(after - before for before, after in zip(times, times[1:], strict=False))


@asynccontextmanager
async def watching(portal: Portal, guest: Guest) -> AsyncIterator[Watcher]:
    """Watch a guest's console with aiortc; pictures have begun to come."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.far_viewer"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    watcher = Watcher()
    reading = None
    try:
        await process.stdout.readline()
        process.stdin.write(b"\n")
        sdp = json.loads(await process.stdout.readline())["sdp"]
        async with signed_in(portal) as http:
            answer, _ = await offer(http, guest, sdp)
        process.stdin.write(json.dumps({"sdp": answer}).encode() + b"\n")
        reading = asyncio.create_task(_read(process.stdout, watcher))
        await until(lambda: len(watcher.at) > 10)
        yield watcher
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        if reading is not None:
            await reading
        await process.wait()


async def _read(lines: asyncio.StreamReader, watcher: Watcher) -> None:
    async for line in lines:
        watcher.at.append(json.loads(line)["at"])


async def until(condition: Callable[[], bool]) -> float:
    """Wait until a condition of this process holds; how long that took."""
    began = time.monotonic()
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if condition():
                return time.monotonic() - began
            await asyncio.sleep(POLL_S)


async def ask(portal: Portal, path: str = "/api/domains") -> Any:
    """A GET at the portal that does not hold up this loop."""
    return await asyncio.to_thread(portal.get, path)


async def until_listed(portal: Portal, wanted: Callable[[dict[str, Any]], bool]) -> float:
    """Ask for the list until it is as wanted; how long that took."""
    began = time.monotonic()
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if wanted(await ask(portal)):
                return time.monotonic() - began
            await asyncio.sleep(POLL_S)


def domain_of(listed: dict[str, Any], guest: Guest) -> dict[str, Any]:
    """A guest in the list."""
    found: dict[str, Any] = next(each for each in listed["domains"] if each["uuid"] == guest.uuid)
    return found


def is_back(guest: Guest, *others: int) -> Callable[[dict[str, Any]], bool]:
    """Whether a guest's console is ready, with a worker that is none of ``others``."""

    def wanted(listed: dict[str, Any]) -> bool:
        domain = domain_of(listed, guest)
        return domain["console"]["state"] == "ready" and domain["worker_pid"] not in others

    return wanted


@asynccontextmanager
async def asking(portal: Portal) -> AsyncIterator[list[float]]:
    """Ask for the list all the time; how long each answer took, in seconds."""
    took: list[float] = []

    async def run() -> None:
        while True:
            began = time.monotonic()
            await ask(portal)
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(run())
    try:
        yield took
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
