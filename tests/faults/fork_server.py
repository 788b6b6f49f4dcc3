"""The fork server is killed, and stopped with a worker that dies."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from tests.faults.page import ConsolePage
from tests.faults.scenario import Measured
from tests.faults.scene import Scene
from tests.faults.watching import ask, domain_of, until_listed
from tests.support.portal import Portal


async def run(scene: Scene) -> list[Measured]:
    portal = scene.start_portal()
    guest = scene.guest(portal)
    page = await ConsolePage.open(await scene.start_browser(), portal, guest)

    began, before = time.time(), await page.connections()
    os.kill(_fork_server(portal), signal.SIGKILL)
    killed = await page.back_s(began, before)

    worker = domain_of(await ask(portal), guest)["worker_pid"]
    os.kill(_fork_server(portal), signal.SIGSTOP)
    began, before = time.time(), await page.connections()
    os.kill(worker, signal.SIGKILL)

    def says_so(listed: dict[str, Any]) -> bool:
        domain = domain_of(listed, guest)
        return bool(domain["console"]["state"] != "ready" or domain["worker_pid"] != worker)

    shown_dead = await until_listed(portal, says_so)
    stopped = await page.back_s(began, before)
    return [
        Measured("killed: picture back", killed, 3.0),
        Measured("stopped: a dead worker shown as ready", shown_dead, 0.5),
        Measured("stopped: picture back after its worker's end", stopped, 3.0),
    ]


def _fork_server(portal: Portal) -> int:
    """The process id of the portal's fork server."""
    task = Path(f"/proc/{portal.process.pid}/task")
    children = " ".join((each / "children").read_text() for each in task.iterdir()).split()
    (pid,) = (
        int(pid)
        for pid in children
        if b"multiprocessing.forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    return pid
