"""What a worker holds while nobody looks at its console."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu
from tests.worker.viewer_client import ViewerClient

SETTINGS = WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)

FORK_AND_COMPARE = """
import os, socket, sys
import libvirt_webrtc.worker.preload
from libvirt_webrtc.worker import ipc, process
from libvirt_webrtc.worker.channel import Channel
from libvirt_webrtc.worker.settings import WorkerSettings

settings = WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)
before = set(sys.modules)
ours, theirs = Channel.pair()
if os.fork() == 0:
    ours.close()
    process._enter(theirs, settings)
    print(sorted(set(sys.modules) - before), flush=True)
    os._exit(0)
theirs.close()
assert ours.recv(1000) == ipc.encode(ipc.Beat())
ours.close()
os.wait()
"""


@pytest.fixture
async def worker() -> AsyncIterator[WorkerProcess]:
    async with Qemu("-S", "-device", "VGA") as qemu:
        started = await WorkerProcess.start(SETTINGS)
        try:
            await started.use_display((await qemu.open_display()).detach())
            await until(lambda: bool(started.consoles))
            yield started
        finally:
            await started.close()


def descriptors(worker: WorkerProcess) -> int:
    return len(os.listdir(f"/proc/{worker.pid}/fd"))


def threads(worker: WorkerProcess) -> int:
    return len(list(Path(f"/proc/{worker.pid}/task").iterdir()))


async def look(worker: WorkerProcess, name: str) -> None:
    async with ViewerClient() as viewer:
        await viewer.take(await soon(worker.offer(name, 0, await viewer.offer(), ADMIN)))
        await until(lambda: viewer.frames > 0)
        assert threads(worker) > 1
    await until(lambda: worker.consoles[0].viewers == 0)


def test_a_worker_imports_nothing_that_the_fork_server_has_not() -> None:
    """What is imported after the fork is in memory once for every worker."""
    done = subprocess.run(
        [sys.executable, "-c", FORK_AND_COMPARE], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n", done.stderr


async def test_viewers_that_have_gone_leave_no_thread_and_no_descriptor(worker: WorkerProcess) -> None:
    assert threads(worker) == 1, "nobody watches: nothing encodes"
    before = descriptors(worker)
    await look(worker, "first")
    # The listener's connection is kept: QEMU 10 leaks a descriptor for every one that closes. A mapped picture has its
    # own descriptor too.
    await until(lambda: threads(worker) == 1 and descriptors(worker) <= before + 2)
    kept = descriptors(worker)
    await look(worker, "second")
    await until(lambda: (threads(worker), descriptors(worker)) == (1, kept))
