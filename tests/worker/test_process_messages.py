"""What a supervisor and a worker say to each other that they should not; the processes are real."""

import os
import signal
import socket
from collections.abc import AsyncIterator

import pytest

from libvirt_webrtc.errors import NegotiationError, NoConsole
from libvirt_webrtc.worker import ipc, process
from libvirt_webrtc.worker.channel import Channel
from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu
from tests.worker.viewer_client import ViewerClient

SETTINGS = WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)

NONSENSE = [b"nonsense", ipc.encode(ipc.UseDisplay(False)), b"\x91" * 100_000, b"\x81\xa4type\xa6Status"]


@pytest.fixture
async def worker() -> AsyncIterator[WorkerProcess]:
    started = await WorkerProcess.start(SETTINGS)
    yield started
    await started.close()


async def impersonated() -> tuple[WorkerProcess, socket.socket]:
    """A worker that stands still, and a socket to send in its place."""
    forked, sock = await process.fork(SETTINGS)
    assert forked.pid is not None
    os.kill(forked.pid, signal.SIGSTOP)  # So that it is not its own end that is seen.
    sock.close()
    ours, theirs = Channel.pair()
    return WorkerProcess(forked, Channel(ours), "demo"), theirs


@pytest.mark.parametrize("packet", NONSENSE, ids=lambda packet: repr(packet[:30]))
async def test_a_worker_that_talks_nonsense_is_killed(packet: bytes) -> None:
    """As a hijacked one could: what it floods us with reaches nobody."""
    worker, theirs = await impersonated()
    with theirs:
        for _ in range(3):
            theirs.send(packet)
        await soon(worker.exited.wait())
        assert worker.consoles == ()
    await worker.close()


async def test_unknown_answers_are_ignored() -> None:
    worker, theirs = await impersonated()
    with theirs:
        theirs.send(ipc.encode(ipc.Answered(99, "v=0")))
        theirs.send(ipc.encode(ipc.Beat()))
        await until(lambda: worker.beats == 1)
        assert not worker.exited.is_set()
    await worker.close()


async def test_an_error_in_handling_a_message_is_logged_and_ends_the_worker(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A supervisor that reads no messages would otherwise keep a worker that it knows nothing of."""

    def fail() -> None:
        raise ZeroDivisionError("a defect")

    worker, theirs = await impersonated()
    worker.on_status = fail
    with theirs:
        theirs.send(ipc.encode(ipc.Status("", ())))
        await soon(worker.exited.wait())
    assert "messages failed unexpectedly: ZeroDivisionError" in caplog.text
    await worker.close()


@pytest.mark.parametrize("count", [0, 2])
async def test_a_display_message_without_its_one_descriptor_ends_the_worker(count: int) -> None:
    """The supervisor is the same program, so this is a mistake of ours: a fresh worker is better than a guess."""
    forked, sock = await process.fork(SETTINGS)
    channel = Channel(sock)
    worker = WorkerProcess(forked, channel, "demo")
    read, write = os.pipe()
    await channel.send(ipc.UseDisplay(False), [write] * count)
    os.close(write)
    await soon(worker.exited.wait())
    assert os.read(read, 1) == b"", "the worker's copies went with it"
    os.close(read)
    await worker.close()


async def test_a_large_offer_is_answered_and_a_larger_one_refused(worker: WorkerProcess) -> None:
    """The portal takes bodies of 64 KiB."""
    with pytest.raises(NoConsole):
        await soon(worker.offer("viewer", 0, "é" * 32 * 1024, ADMIN))
    with pytest.raises(NegotiationError, match="too large"):
        await soon(worker.offer("viewer", 0, "x" * ipc.MAX_PACKET, ADMIN))
    with pytest.raises(NegotiationError, match="not Unicode"):
        await soon(worker.offer("viewer", 0, "v=0\ud800", ADMIN))
    assert not worker.viewers and not worker.exited.is_set()


async def test_a_long_line_is_refused_without_being_quoted(worker: WorkerProcess) -> None:
    async with Qemu("-S", "-device", "VGA") as qemu:
        await worker.use_display((await qemu.open_display()).detach())
        await until(lambda: bool(worker.consoles))
        async with ViewerClient() as client:
            offer = (await client.offer()).replace("a=setup:actpass", "a=setup:" + "\x01" * 60_000)
        with pytest.raises(NegotiationError, match="cannot be read") as refused:
            await soon(worker.offer("viewer", 0, offer, ADMIN))
        assert len(str(refused.value)) < 200
        assert not worker.exited.is_set()
