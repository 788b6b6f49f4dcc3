"""What the fork server leaves when the process that started it is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import wait_until

SERVICE = """
import asyncio, sys
from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.settings import WorkerSettings
async def run():
    settings = WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)
    worker = await WorkerProcess.start(settings)
    while not worker.beats:
        await asyncio.sleep(0.01)
    print("running", flush=True)
    await asyncio.sleep(600)
asyncio.run(run())
"""


def test_a_service_that_is_killed_leaves_no_folder(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE], stdout=subprocess.PIPE, env=environment
    ) as service:
        assert service.stdout is not None
        assert service.stdout.readline() == b"running\n"
        assert list(tmp_path.iterdir())
        service.send_signal(signal.SIGKILL)
    wait_until(lambda: not list(tmp_path.iterdir()), "the folder is gone")
