"""Many viewers come and go, half of them without a word."""

import asyncio

from tests.bench.usage import descriptors, memory_mb, threads
from tests.faults.crowd import Visitors
from tests.faults.scenario import Measured
from tests.faults.scene import Scene, progress
from tests.faults.watching import ask, domain_of, until_listed
from tests.support.guests import Guest
from tests.support.portal import Portal

VIEWERS, LONG_VIEWERS = 20, 100
AT_ONCE = 5
QUIET_S = 6.0
"""After the last viewer, in seconds: what is kept for viewers has been given back."""


async def run(scene: Scene) -> list[Measured]:
    portal = scene.start_portal()
    guest = scene.guest(portal)
    number = LONG_VIEWERS if scene.long else VIEWERS
    await _come_and_go(portal, guest, number)
    worker, serve = domain_of(await ask(portal), guest)["worker_pid"], portal.process.pid
    before = {pid: (memory_mb(pid, "Rss"), descriptors(pid), threads(pid)) for pid in (worker, serve)}
    await _come_and_go(portal, guest, number)
    measured = []
    for name, pid in (("worker", worker), ("service", serve)):
        memory, fds, running = before[pid]
        measured += [
            Measured(f"memory more in the {name}", memory_mb(pid, "Rss") - memory, 10, "MB"),
            Measured(f"descriptors more in the {name}", descriptors(pid) - fds, 0, "descriptors"),
            Measured(f"threads more in the {name}", threads(pid) - running, 0, "threads"),
        ]
    return measured


async def _come_and_go(portal: Portal, guest: Guest, number: int) -> None:
    for done in range(0, number, AT_ONCE):
        visitors = await Visitors.come(portal, guest, AT_ONCE)
        await (visitors.vanish() if done % (2 * AT_ONCE) else visitors.leave())
        progress(f"{done + AT_ONCE} viewers")
    await until_listed(
        portal, lambda listed: [console["viewers"] for console in domain_of(listed, guest)["consoles"]] == [0]
    )
    await asyncio.sleep(QUIET_S)
