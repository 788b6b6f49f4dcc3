"""A worker is killed, stopped, and killed again and again; another console is watched beside it."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

from tests.bench.usage import memory_mb
from tests.faults.page import ConsolePage
from tests.faults.scenario import Measured
from tests.faults.scene import Scene
from tests.faults.watching import ask, domain_of, is_back, until, until_listed, watching
from tests.support.guests import Guest
from tests.support.portal import Portal

SMALL = "run=motion mode=640x480"
GIVEN_BACK_S = 20.0
"""How long QEMU may take to have its memory again as it was before anybody watched, in seconds."""
SPARE_MB = 50
"""What QEMU may keep: the listener's buffers, and what glibc keeps of what was freed."""

KILLS = 4
"""Kills in a row until a worker counts as one that crashes in a loop."""


async def run(scene: Scene) -> list[Measured]:
    portal = scene.start_portal()
    killed, stopped, other = (scene.guest(portal, SMALL) for _ in range(3))
    browser = await scene.start_browser()
    async with watching(portal, other) as watcher:
        page = await ConsolePage.open(browser, portal, killed)
        began, before = time.time(), await page.connections()
        started = time.monotonic()
        os.kill(domain_of(await ask(portal), killed)["worker_pid"], signal.SIGKILL)
        after_kill = await page.back_s(began, before)
        await page.viewer.page.context.close()

        rss = memory_mb(stopped.pid, "Rss")
        page = await ConsolePage.open(browser, portal, stopped)
        worker = domain_of(await ask(portal), stopped)["worker_pid"]
        began, before = time.time(), await page.connections()
        os.kill(worker, signal.SIGSTOP)
        ended = await until(lambda: not Path(f"/proc/{worker}").exists())
        grown = memory_mb(stopped.pid, "Rss") - rss
        after_stop = await page.back_s(began, before)
        gap = watcher.longest_gap_s(started)
        await page.viewer.page.context.close()
        left = await _given_back(stopped.pid, rss)
    told = await _crash_loop(portal, killed)
    return [
        Measured("picture back after SIGKILL", after_kill, 3.0),
        Measured("picture back after SIGSTOP", after_stop, 3.0),
        Measured("until a stopped worker is ended", ended, 2.0),
        Measured("QEMU's growth until then, viewer included", grown, 400, "MB"),
        Measured("of that, kept after the viewer has gone", left, SPARE_MB, "MB"),
        Measured("longest gap in another console's stream", gap, 0.5),
        Measured("lists without a reason after kills in a row", float(not told), 0, "lists"),
    ]


async def _given_back(pid: int, before: float) -> float:
    """How much more than ``before`` a process keeps, in MB, once that is little or GIVEN_BACK_S have passed."""
    for _ in range(round(GIVEN_BACK_S / 0.5)):
        if memory_mb(pid, "Rss") - before < SPARE_MB:
            break
        await asyncio.sleep(0.5)
    return memory_mb(pid, "Rss") - before


async def _crash_loop(portal: Portal, guest: Guest) -> bool:
    """Kill each worker of a console; whether the list said that it failed several times in a row."""
    seen: list[int] = []
    told = False

    def says(listed: dict[str, Any]) -> bool:
        nonlocal told
        told |= "times in a row" in str(domain_of(listed, guest)["console"]["reason"])
        return is_back(guest, *seen)(listed)

    for _ in range(KILLS):
        await until_listed(portal, says)
        seen.append(domain_of(await ask(portal), guest)["worker_pid"])
        os.kill(seen[-1], signal.SIGKILL)
    await until_listed(portal, says)
    return told
