"""libvirtd is killed, or stands still, for a while, and a worker dies meanwhile."""

import asyncio
import os
import signal
import time

from tests.faults.scenario import Measured
from tests.faults.scene import Scene, progress
from tests.faults.watching import ask, asking, domain_of, is_back, until_listed, watching

AWAY_S, LONG_AWAY_S = 6.0, 40.0
"""How long libvirtd is away with a dead worker; after 20 s the pauses between tries are 10 s and more."""


async def run(scene: Scene) -> list[Measured]:
    portal = scene.start_portal()
    guest, other = scene.guest(portal), scene.guest(portal)
    async with watching(portal, guest) as watcher, asking(portal) as answers:
        began = time.monotonic()
        os.kill(scene.libvirtd.pid, signal.SIGKILL)
        await until_listed(portal, lambda listed: not listed["libvirt"]["connected"])
        worker = domain_of(await ask(portal), other)["worker_pid"]
        os.kill(worker, signal.SIGKILL)
        await asyncio.sleep(LONG_AWAY_S if scene.long else AWAY_S)
        await asyncio.to_thread(scene.libvirtd.restart)
        killed = await until_listed(portal, lambda listed: bool(listed["libvirt"]["connected"]))
        console = killed + await until_listed(portal, is_back(other, worker))
        progress(f"killed: list {killed:.2f} s, console {console:.2f} s")

        os.kill(scene.libvirtd.pid, signal.SIGSTOP)
        await until_listed(portal, lambda listed: not listed["libvirt"]["connected"])
        await asyncio.sleep(1)
        os.kill(scene.libvirtd.pid, signal.SIGCONT)
        frozen = await until_listed(portal, lambda listed: bool(listed["libvirt"]["connected"]))
        gap = watcher.longest_gap_s(began)
    return [
        Measured("longest gap in the stream", gap, 1.0),
        Measured("longest answer of the portal meanwhile", max(answers), 1.0),
        Measured("list back after a kill", killed, 5.0),
        Measured("console back whose worker died meanwhile", console, 5.0),
        Measured("list back after standing still", frozen, 5.0),
    ]
