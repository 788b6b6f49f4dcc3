"""A guest is paused, reset, saved and restored, and changes its mode again and again, under one open page."""

import asyncio
import time

from examples.guests.comparison import compare
from examples.guests.layout import Rgb
from tests.bench.usage import descriptors, memory_mb
from tests.e2e.viewer import Viewer
from tests.faults.page import ConsolePage
from tests.faults.scenario import Measured
from tests.faults.scene import Scene, progress
from tests.faults.watching import ask, domain_of
from tests.support.libvirtd import virsh
from tests.support.waiting import NeverHappened

MODES, LONG_MODES = 20, 400
WARM_MODES = 18
"""Changes before growth is measured: every size was there, and what is kept for repetition is full."""
TRY_S = 10.0
"""After that a key is pressed again, in seconds: an emulated guest that is starved loses keys."""
OWN = ("Private_Clean", "Private_Dirty")


async def run(scene: Scene) -> list[Measured]:
    portal = scene.start_portal()
    guest = scene.guest(portal, "mode=1024x768")
    page = await ConsolePage.open(await scene.start_browser(), portal, guest)
    viewer = page.viewer
    await viewer.wait_known_picture()

    await asyncio.to_thread(virsh, "suspend", guest.uuid)
    kept = await page.keeps_picture()
    await asyncio.to_thread(virsh, "resume", guest.uuid)
    await asyncio.to_thread(virsh, "reset", guest.uuid)
    await viewer.wait_known_picture()
    worker = domain_of(await ask(portal), guest)["worker_pid"]
    await _modes(viewer, WARM_MODES)
    fds, memory = descriptors(worker), memory_mb(worker, *OWN)
    await _modes(viewer, LONG_MODES if scene.long else MODES)
    more_fds, more_memory = descriptors(worker) - fds, memory_mb(worker, *OWN) - memory
    connections = await page.connections()

    await asyncio.to_thread(virsh, "managedsave", guest.uuid)
    shown = await page.keeps_picture()
    await asyncio.to_thread(guest.start)
    began, before = time.time(), await page.connections()
    restored = await page.back_s(began, before)
    await viewer.wait_known_picture()
    return [
        Measured("paused: pages without the last picture", float(not kept), 0, "pages"),
        Measured("connections of the page after pause, reset and all modes", connections, 1, "connections"),
        Measured("descriptors more in the worker after the modes", more_fds, 0, "descriptors"),
        Measured("memory more in the worker after the modes", more_memory, 24, "MB"),
        Measured("saved: pages without the last picture", float(not shown), 0, "pages"),
        Measured("picture back after a restore", restored, 5.0),
    ]


async def _modes(viewer: Viewer, number: int) -> None:
    nonce = int(viewer.guest.nonce, 16)
    size: tuple[int, ...] = (await viewer.wait_known_picture()).shape

    def another(rgb: Rgb) -> bool:
        return rgb.shape != size and compare(rgb, nonce).ok

    for done in range(number):
        while True:
            await viewer.press("F6")
            try:
                async with asyncio.timeout(TRY_S):
                    picture = await viewer.wait_picture(another, "the next mode")
                    break
            except (TimeoutError, NeverHappened):
                continue
        size = picture.shape
        if done % 20 == 19:
            progress(f"{done + 1} modes")
