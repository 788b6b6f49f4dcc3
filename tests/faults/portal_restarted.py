"""The service is ended and started again, and killed and started again, with an open page."""

import asyncio
import signal
import time

from tests.faults.page import ConsolePage
from tests.faults.scenario import Measured
from tests.faults.scene import Scene


async def run(scene: Scene) -> list[Measured]:
    portal = scene.start_portal()
    guest = scene.guest(portal)
    page = await ConsolePage.open(await scene.start_browser(), portal, guest)

    before = await page.connections()
    await asyncio.to_thread(portal.restart)
    began = time.time()
    ended = await page.back_s(began, before)

    before = await page.connections()
    await asyncio.to_thread(portal.restart, signal.SIGKILL)
    began = time.time()
    killed = await page.back_s(began, before)
    return [
        Measured("ended: picture back after it serves again, without a new sign-in", ended, 5.0),
        Measured("killed: picture back after it serves again, without a new sign-in", killed, 5.0),
    ]
