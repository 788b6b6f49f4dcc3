"""A viewer whose answer nobody waits for is ended."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.ends import ViewerEnd
from libvirt_webrtc.config.ice import IceServer
from libvirt_webrtc.errors import NegotiationError, WorkerGone
from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu
from tests.worker.viewer_client import ViewerClient


@pytest.fixture
async def silent_turn() -> AsyncIterator[IceServer]:
    """A TURN server that never answers: candidates take 5 s."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    yield IceServer((f"turn:127.0.0.1:{port}",), "user", "secret")
    transport.close()


async def start() -> WorkerProcess:
    return await WorkerProcess.start(
        WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)
    )


@pytest.fixture
async def qemu() -> AsyncIterator[Qemu]:
    async with Qemu("-S", "-device", "VGA") as running:
        yield running


@pytest.fixture
async def worker(qemu: Qemu) -> AsyncIterator[WorkerProcess]:
    started = await start()
    await started.use_display((await qemu.open_display()).detach())
    await until(lambda: bool(started.consoles))
    yield started
    await started.close()


def viewers(worker: WorkerProcess) -> int:
    return worker.consoles[0].viewers


async def until_nobody_looks(worker: WorkerProcess) -> None:
    """Sooner than a viewer ends by itself that does not connect, which is CONNECT_S after its answer."""
    async with asyncio.timeout(limits.CONNECT_S):
        await until(lambda: viewers(worker) == 0)


async def test_an_offer_that_is_cancelled_ends_its_viewer(
    worker: WorkerProcess, silent_turn: IceServer
) -> None:
    async with ViewerClient() as client:
        offering = asyncio.create_task(worker.offer("viewer", 0, await client.offer(), ADMIN, (silent_turn,)))
        await until(lambda: viewers(worker) == 1)
        offering.cancel()
        await until_nobody_looks(worker)
    assert not worker.viewers


async def test_an_offer_that_is_answered_too_late_ends_its_viewer(
    worker: WorkerProcess, silent_turn: IceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WORKER_ANSWER_S", 0.5)
    async with ViewerClient() as client:
        with pytest.raises(WorkerGone, match="in time"):
            await worker.offer("viewer", 0, await client.offer(), ADMIN, (silent_turn,))
        await until_nobody_looks(worker)


async def test_an_offer_that_waits_for_qemu_can_be_taken_back(worker: WorkerProcess, qemu: Qemu) -> None:
    async with ViewerClient() as client:
        offer = await client.offer()
        os.kill(qemu.process.pid, signal.SIGSTOP)
        offering = asyncio.create_task(worker.offer("viewer", 0, offer, ADMIN))
        await asyncio.sleep(0.05)
        assert await soon(worker.close_viewer("viewer"))
        os.kill(qemu.process.pid, signal.SIGCONT)
        with pytest.raises(NegotiationError, match="nobody waits"):
            await soon(offering)
    assert viewers(worker) == 0


async def test_the_end_of_a_viewer_is_told_with_what_it_was_sent(worker: WorkerProcess) -> None:
    ends: list[ViewerEnd] = []
    worker.on_viewer_ended = ends.append
    async with ViewerClient() as client:
        await client.take(await soon(worker.offer("leaves", 0, await client.offer(), ADMIN)))
        await until(lambda: client.frames > 0)
        assert list(worker.viewers) == ["leaves"]
    await until(lambda: not worker.viewers)
    (end,) = ends
    assert end.viewer == "leaves" and end.bytes_sent > 500
    with pytest.raises(NegotiationError):
        await soon(worker.offer("refused", 0, "hello", ADMIN))
    assert not worker.viewers


async def test_viewers_of_a_killed_worker_have_ended_with_what_it_told_last(worker: WorkerProcess) -> None:
    ends: list[ViewerEnd] = []
    worker.on_viewer_ended = ends.append
    async with ViewerClient() as client:
        await client.take(await soon(worker.offer("viewer", 0, await client.offer(), ADMIN)))
        await until(lambda: worker.viewers["viewer"] > 0)
        told = worker.viewers["viewer"]
        os.kill(worker.pid, signal.SIGKILL)
        await soon(worker.exited.wait())
    (end,) = ends
    assert end.viewer == "viewer" and end.bytes_sent >= told
