"""A worker that can open no file at all, as where a kernel has no Landlock, serves its viewers all the same.

This also shows that everything a worker imports is imported before it is locked in: as root it may not be able to read
this program's own folders any more.
"""

import socket
from collections.abc import AsyncIterator
from unittest import mock

import pytest

from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.worker import main, process
from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.sandbox import landlock
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu
from tests.worker.viewer_client import ViewerClient


def enter_without_landlock(sock: socket.socket, settings: WorkerSettings) -> None:
    """In the place of :func:`libvirt_webrtc.worker.process._enter`."""
    landlock.version = lambda: 0
    main.run(sock, settings)


@pytest.fixture(params=[VideoFormat.H264, VideoFormat.VP8])
async def worker(request: pytest.FixtureRequest) -> AsyncIterator[WorkerProcess]:
    settings = WorkerSettings(
        domain_name="demo", downsample=False, offer_loopback=True, log_level=30, formats=(request.param,)
    )
    async with Qemu("-S", "-device", "VGA") as qemu:
        with mock.patch.object(process, "_enter", enter_without_landlock):
            started = await WorkerProcess.start(settings)
        try:
            await started.use_display((await qemu.open_display()).detach())
            await until(lambda: bool(started.consoles))
            yield started
        finally:
            await started.close()


async def test_a_worker_that_can_open_no_file_shows_its_console(worker: WorkerProcess) -> None:
    async with ViewerClient() as viewer:
        await viewer.take(await soon(worker.offer("viewer", 0, await viewer.offer(), ADMIN)))
        await until(lambda: viewer.frames > 0)
    await until(lambda: worker.consoles[0].viewers == 0)
    assert not worker.exited.is_set()
