"""Many running domains that nobody looks at."""

import asyncio
import statistics
from typing import Any

from tests.bench.usage import cpu_s, memory_mb
from tests.faults.scenario import Measured
from tests.faults.scene import Scene
from tests.faults.watching import ask, until_listed
from tests.support.domains import DBUS, VIDEO, DomainFactory
from tests.support.libvirtd import virsh

DOMAINS, LONG_DOMAINS = 5, 50
QUIET_S, WATCHED_S = 8.0, 20.0


async def run(scene: Scene) -> list[Measured]:
    number = LONG_DOMAINS if scene.long else DOMAINS
    make = DomainFactory()
    try:
        portal = scene.start_portal()
        for each in range(number):
            identity = await asyncio.to_thread(make, f"idle-{each}", DBUS + VIDEO)
            # Its processors would only take ours.
            await asyncio.to_thread(virsh, "start", "--paused", identity)

        def ready(listed: dict[str, Any]) -> list[int]:
            return [
                domain["worker_pid"] for domain in listed["domains"] if domain["console"]["state"] == "ready"
            ]

        took = await until_listed(portal, lambda listed: len(ready(listed)) == number)
        await asyncio.sleep(QUIET_S)
        workers = ready(await ask(portal))
        before = {pid: cpu_s(pid) for pid in workers}
        await asyncio.sleep(WATCHED_S)
        shares = [(cpu_s(pid) - before[pid]) / WATCHED_S * 100 for pid in workers]
        return [
            Measured(
                f"domains of {number} that are not listed as ready", number - len(workers), 0, "domains"
            ),
            Measured("until all are ready, after the last start", took, 5.0),
            Measured(
                "memory of each (PSS, median)",
                statistics.median(memory_mb(pid, "Pss") for pid in workers),
                15,
                "MB",
            ),
            Measured("processor of each (median)", statistics.median(shares), 0.3, "% of a core"),
        ]
    finally:
        await asyncio.to_thread(make.close)
