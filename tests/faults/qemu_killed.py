"""QEMU is killed, with another guest beside it."""

import asyncio
import os
import signal
import time
from pathlib import Path

from tests.faults.scenario import Measured
from tests.faults.scene import Scene
from tests.faults.watching import ask, domain_of, until, until_listed, watching


async def run(scene: Scene) -> list[Measured]:
    portal = scene.start_portal()
    guest, other = scene.guest(portal), scene.guest(portal)
    async with watching(portal, guest), watching(portal, other) as watcher:
        worker = domain_of(await ask(portal), guest)["worker_pid"]
        began = time.monotonic()
        os.kill(guest.pid, signal.SIGKILL)
        stopped = await until_listed(portal, lambda listed: domain_of(listed, guest)["state"] == "shutoff")
        gone = stopped + await until(lambda: not Path(f"/proc/{worker}").exists())
        await asyncio.sleep(2)
        gap = watcher.longest_gap_s(began)
        stats = await ask(portal, f"/api/domains/{other.uuid}/consoles/0/stats")
    return [
        Measured("until the list says that it is stopped", stopped, 1.0),
        Measured("until its worker is gone", gone, 3.0),
        Measured(
            "frames that the other console's viewer dropped", stats["viewers"][0]["dropped"], 0, "frames"
        ),
        Measured("longest gap in the other console's stream", gap, 0.5),
    ]
