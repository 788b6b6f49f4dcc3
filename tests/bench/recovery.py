"""How fast a console is back after its worker died, and how fast the list follows libvirt."""

import asyncio
import os
import signal
import time

from playwright.async_api import Page

from tests.bench.figures import Figure, Figures
from tests.bench.stage import Stage, pause_s, probe, progress
from tests.e2e.viewer import DEADLINE_S, Viewer, wait_for
from tests.support.guests import Guest


async def run(stage: Stage) -> Figures:
    """Kill a worker again and again; then start and destroy a guest."""
    kills = await _kill_workers(stage)
    starts, destroys = await _start_and_destroy(stage)
    return {
        "worker_kill_to_new_picture_ms": Figure.of(kills),
        "start_to_listed_ms": Figure.of(starts),
        "destroy_to_gone_ms": Figure.of(destroys),
    }


async def _kill_workers(stage: Stage) -> list[float]:
    """From SIGKILL to the first frame that the new worker made, on the page.

    Each time another guest's: one console's worker that died several times in a row is started ever more slowly.
    """
    page = await Viewer.sign_in(stage.browser, stage.portal)
    await page.context.add_init_script(probe("connections"))
    samples = []
    for number in range(stage.options.runs):
        guest = stage.guest("mode=1920x1080")
        await page.goto(stage.portal.url)
        await (await Viewer.click(page, guest)).wait_known_picture()
        await asyncio.sleep(pause_s())
        pid = stage.portal.wait_console(guest.uuid)["worker_pid"]
        before = await page.evaluate("window.benchConnections.length")
        killed = _now_ms()
        os.kill(pid, signal.SIGKILL)
        made_since = f"window.benchConnections.slice({before})"
        shown = await _first(page, f"{made_since}.find(({{ shown }}) => shown)?.shown")
        samples.append(shown - killed)
        progress(f"worker_kill_to_new_picture {number + 1}/{stage.options.runs}: {samples[-1]:.0f} ms")
        stage.make_guest.close()
    await page.context.close()
    return samples


async def _first(page: Page, expression: str) -> float:
    """Return the first value that the page has for it."""
    value: float = await wait_for(lambda: page.evaluate(expression), "a picture from the next worker")
    return value


async def _start_and_destroy(stage: Stage) -> tuple[list[float], list[float]]:
    """From the moment at which virsh is run (QEMU's own start is in it) to the change in an open list."""
    guest = stage.make_guest(stage.options.guest, start=False)
    page = await Viewer.sign_in(stage.browser, stage.portal)
    starts, destroys = [], []
    for number in range(stage.options.runs):
        await asyncio.sleep(pause_s())
        starts.append(await _until_listed(page, guest, present=True))
        await asyncio.sleep(pause_s())
        destroys.append(await _until_listed(page, guest, present=False))
        progress(f"start {number + 1}/{stage.options.runs}: {starts[-1]:.0f}, destroy {destroys[-1]:.0f} ms")
    await page.context.close()
    return starts, destroys


async def _until_listed(page: Page, guest: Guest, *, present: bool) -> float:
    watched = asyncio.create_task(
        page.evaluate(probe("listed"), {"href": f"/console/{guest.uuid}", "present": present})
    )
    # The page must be watching before anything happens.
    await page.evaluate("0")
    began = _now_ms()
    await asyncio.to_thread(guest.start if present else guest.destroy)
    async with asyncio.timeout(DEADLINE_S):
        return float(await watched) - began


def _now_ms() -> float:
    """Unix time, as the pages' ``performance.timeOrigin`` counts it."""
    return time.time() * 1000
