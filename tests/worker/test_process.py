"""Real workers from the real fork server."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from libvirt_webrtc.agent import limits
from libvirt_webrtc.errors import NoConsole, WorkerError, WorkerGone
from libvirt_webrtc.worker import forking, process, watchdog
from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.sandbox import landlock
from libvirt_webrtc.worker.sandbox.rights import Rights
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import DEADLINE_S, soon, until
from tests.support.grants import ADMIN

SETTINGS = WorkerSettings(domain_name="50% demo", downsample=False, offer_loopback=True, log_level=30)


@pytest.fixture
async def worker() -> AsyncIterator[WorkerProcess]:
    started = await WorkerProcess.start(SETTINGS)
    yield started
    await started.close()


async def beating(worker: WorkerProcess) -> None:
    seen = worker.beats
    await until(lambda: worker.beats > seen)


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def dead(pid: int) -> bool:
    """Gone, or a zombie: whose parent was killed waits for process 1 to be reaped."""
    try:
        return state(pid) == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_a_worker_lives_until_it_is_closed(worker: WorkerProcess) -> None:
    await beating(worker)
    assert not worker.exited.is_set() and worker.consoles == ()
    await worker.close()
    await worker.close()
    assert worker.exited.is_set() and gone(worker.pid)


async def test_a_worker_has_neither_libvirt_nor_the_portal(worker: WorkerProcess) -> None:
    await beating(worker)
    proc = Path(f"/proc/{worker.pid}")
    assert "libvirtmod" not in (proc / "maps").read_text()
    memory = dict(line.split(":") for line in (proc / "smaps_rollup").read_text().splitlines()[1:])
    print("PSS of an idle worker:", memory["Pss"].strip())
    kinds = [os.readlink(fd).partition(":")[0] for fd in (proc / "fd").iterdir()]
    # Its channel, and the event loop's pair to wake itself.
    assert kinds.count("socket") == 3


async def test_closing_a_worker_before_its_first_beat_ends_it() -> None:
    worker = await WorkerProcess.start(SETTINGS)
    await worker.close()
    assert gone(worker.pid)


async def test_a_start_that_is_cancelled_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    forked = asyncio.Event()
    seen = asyncio.Event()
    pids: list[int] = []

    async def fork(settings: WorkerSettings) -> tuple[ForkServerProcess, socket.socket]:
        made, sock = await original(settings)
        assert made.pid is not None
        pids.append(made.pid)
        forked.set()
        await seen.wait()
        return made, sock

    original = process.fork
    monkeypatch.setattr(process, "fork", fork)
    starting = asyncio.create_task(WorkerProcess.start(SETTINGS))
    await soon(forked.wait())
    starting.cancel()
    await asyncio.sleep(0)
    assert not starting.done()
    seen.set()
    with pytest.raises(asyncio.CancelledError):
        await soon(starting)
    assert pids and gone(pids[0])


async def test_a_start_that_fails_is_a_worker_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(forking, "warm_up", refuse)
    with pytest.raises(WorkerError, match="no more processes"):
        await WorkerProcess.start(SETTINGS)


async def test_many_workers_leave_nothing_behind() -> None:
    for _ in range(10):
        async with asyncio.timeout(30):
            workers = await asyncio.gather(*(WorkerProcess.start(SETTINGS) for _ in range(2)))
            await beating(workers[0])
            await asyncio.gather(*(worker.close() for worker in workers))
    # The fixture looks for processes, tasks and descriptors.


async def test_a_killed_worker_ends_whatever_waits_for_it(worker: WorkerProcess) -> None:
    await beating(worker)
    os.kill(worker.pid, signal.SIGSTOP)
    asked = asyncio.create_task(worker.close_viewer("nobody"))
    await asyncio.sleep(0)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerGone):
        await soon(asked)
    await soon(worker.exited.wait())
    with pytest.raises(WorkerGone):
        await worker.set_paused(True)
    read, write = os.pipe()
    with pytest.raises(WorkerGone):
        await worker.use_display(write)
    assert os.read(read, 1) == b"", "use_display closes the descriptor in any case"
    os.close(read)


@pytest.fixture
def long_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "START_TIMEOUT_S", 10 * DEADLINE_S)


async def test_a_worker_that_stops_soon_after_its_start_is_killed_by_the_watchdog(
    long_start: None, worker: WorkerProcess
) -> None:
    """A start may take its time; what has begun to beat is watched from then on."""
    await beating(worker)
    began = time.monotonic()
    os.kill(worker.pid, signal.SIGSTOP)
    await soon(worker.exited.wait())
    print(f"a stopped worker was gone after {time.monotonic() - began:.2f} s")
    assert gone(worker.pid)


async def test_closing_a_stopped_worker_kills_it(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WORKER_END_S", 0.1)
    await beating(worker)
    os.kill(worker.pid, signal.SIGSTOP)
    await soon(asyncio.gather(worker.close(), worker.close()))
    assert gone(worker.pid)


async def test_a_fork_server_that_dies_takes_its_workers_along_and_comes_back(worker: WorkerProcess) -> None:
    await beating(worker)
    server = forking.server_pid()
    assert server is not None
    os.kill(server, signal.SIGKILL)
    await soon(worker.exited.wait())
    await until(lambda: dead(worker.pid))
    again = await soon(WorkerProcess.start(SETTINGS))
    await beating(again)
    await again.close()


@pytest.fixture
async def stopped_server(worker: WorkerProcess) -> AsyncIterator[int]:
    """The process id of the fork server, which is stopped; it goes on at the end where it is still there."""
    await beating(worker)
    server = forking.server_pid()
    assert server is not None
    os.kill(server, signal.SIGSTOP)
    await until(lambda: state(server) == "T")
    yield server
    with suppress(ProcessLookupError):
        os.kill(server, signal.SIGCONT)


async def test_a_worker_that_dies_while_the_fork_server_is_stopped_is_gone_at_once(
    worker: WorkerProcess, stopped_server: int
) -> None:
    os.kill(worker.pid, signal.SIGKILL)
    await soon(worker.exited.wait())
    with pytest.raises(WorkerGone):
        await worker.set_paused(True)
    again = await soon(WorkerProcess.start(SETTINGS))
    await beating(again)
    assert forking.server_pid() != stopped_server
    await again.close()


async def test_a_stopped_fork_server_is_replaced_when_a_worker_is_needed(
    worker: WorkerProcess, stopped_server: int
) -> None:
    again = await soon(WorkerProcess.start(SETTINGS))
    await beating(again)
    await soon(worker.exited.wait())
    await again.close()


async def test_a_fork_server_that_makes_no_process_is_given_up(
    worker: WorkerProcess, stopped_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hangs in a way that nobody can see from outside."""
    with monkeypatch.context() as patch:
        patch.setattr(forking, "end_stopped", lambda: None)
        patch.setattr(forking, "FORK_S", 0.2)
        with pytest.raises(WorkerError, match="cannot start a worker"):
            await soon(WorkerProcess.start(SETTINGS))
    again = await soon(WorkerProcess.start(SETTINGS))
    await beating(again)
    await again.close()


async def test_offers_and_peers_of_consoles_that_are_not_there(worker: WorkerProcess) -> None:
    with pytest.raises(NoConsole, match="no graphic console 3"):
        await soon(worker.offer("peer", 3, "v=0\r\n", ADMIN))
    assert not await soon(worker.close_viewer("peer"))
    assert not worker.viewers


async def test_a_display_that_cannot_be_used_is_reported_lost(worker: WorkerProcess) -> None:
    reasons: asyncio.Queue[str] = asyncio.Queue()
    worker.on_display_lost = reasons.put_nowait
    for _ in range(2):
        ours, theirs = socket.socketpair()
        ours.close()
        await worker.use_display(theirs.detach())
        assert "cannot be used" in await soon(reasons.get())


@pytest.mark.skipif(
    landlock.version() < landlock.NETWORK_VERSION, reason="the kernel takes any port: it has no rule"
)
async def test_a_worker_that_cannot_be_locked_in_says_why_it_ended() -> None:
    no_port = Rights(tcp_ports=(70_000,))
    worker = await WorkerProcess.start(replace(SETTINGS, rights=no_port))
    await soon(worker.exited.wait())
    await worker.close()
    assert "could not be locked in" in worker.why_ended and "doctor" in worker.why_ended
