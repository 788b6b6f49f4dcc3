"""From the click on a guest in the list to its picture on the console page."""

import asyncio
import base64
import io
import os
import signal
from typing import Any

import numpy as np
from PIL import Image
from playwright.async_api import Page

from examples.guests.reading import read_nonce
from tests.bench.figures import Figure, Figures
from tests.bench.stage import Stage, pause_s, probe, progress
from tests.e2e.viewer import Viewer, wait_for
from tests.support.guests import Guest
from tests.support.waiting import wait_until

MODE = "mode=1920x1080"
COLD_SHARE = 10
"""How many warm runs there are for each cold one, which needs a browser profile and a worker of its own."""

_TIMES = """() => {
  const [times] = window.benchConnections;
  if (!times?.picture) return null;
  const offer = performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/whep"));
  return {
    ...times,
    clicked: Number(sessionStorage.getItem("benchClickedAt")),
    opened: performance.timeOrigin + performance.getEntriesByType("navigation")[0].responseEnd,
    offered: performance.timeOrigin + offer.startTime,
    received: performance.timeOrigin + offer.responseEnd,
    picture: times.picture.toDataURL("image/png"),
  };
}"""

STAGES = {
    "page_ms": ("clicked", "opened"),
    "script_ms": ("opened", "made"),
    "gather_ms": ("made", "offered"),
    "answer_ms": ("offered", "received"),
    "connect_ms": ("received", "connected"),
    "frame_ms": ("connected", "shown"),
}
"""Key to the two moments between which it lies; one after the other they make up ``first_picture_ms``."""


async def run(stage: Stage) -> Figures:
    """Click again and again, in one tab whose browser has the pages already, on a guest that was watched before.

    Then the cold runs: nothing is cached in the browser, and nobody has watched this guest since its worker began.
    """
    guest = stage.guest(MODE)
    page = await _list(stage)
    await (await Viewer.click(page, guest)).wait_known_picture()
    warm = []
    for number in range(stage.options.runs):
        await page.goto(stage.portal.url)
        wait_until(lambda: _viewers(stage, guest) == 0, "the last viewer is gone")
        warm.append(await _click(page, guest))
        progress(
            f"first_picture {number + 1}/{stage.options.runs}: {_span(warm[-1], 'clicked', 'shown'):.0f} ms"
        )
    await page.context.close()
    cold = [await _cold(stage) for _ in range(max(stage.options.runs // COLD_SHARE, 1))]
    return {
        "first_picture_ms": _figure(warm, "clicked", "shown"),
        **{key: _figure(warm, *ends) for key, ends in STAGES.items()},
        "first_picture_cold_ms": _figure(cold, "clicked", "shown"),
    }


async def _cold(stage: Stage) -> dict[str, Any]:
    """One run with another guest, since a worker that died twice in a row is started with a delay."""
    stage.make_guest.close()
    guest = stage.guest(MODE)
    page = await _list(stage)
    # Only by watching is it known when the guest has started; a new worker knows nothing of that.
    await (await Viewer.click(page, guest)).wait_known_picture()
    await page.context.close()
    watched = stage.portal.wait_console(guest.uuid)["worker_pid"]
    os.kill(watched, signal.SIGKILL)
    wait_until(
        lambda: stage.portal.wait_console(guest.uuid)["worker_pid"] not in (None, watched), "the next worker"
    )
    page = await _list(stage)
    times = await _click(page, guest)
    await page.context.close()
    progress(f"first_picture, cold: {_span(times, 'clicked', 'shown'):.0f} ms")
    return times


async def _list(stage: Stage) -> Page:
    """Open the list in a new browser profile."""
    page = await Viewer.sign_in(stage.browser, stage.portal, viewport={"width": 1280, "height": 800})
    await page.context.add_init_script(probe("connections"))
    await page.reload()
    return page


async def _click(page: Page, guest: Guest) -> dict[str, Any]:
    """The moments of one run, Unix time in ms. The first picture must hold the guest's own nonce."""
    await page.locator(f"a[href='/console/{guest.uuid}']").first.wait_for()
    await asyncio.sleep(pause_s())
    viewer = await Viewer.click(page, guest)
    times: dict[str, Any] = await wait_for(lambda: page.evaluate(_TIMES), "the first picture")
    png = base64.b64decode(times["picture"].partition(",")[2])
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    if read_nonce(picture) != int(guest.nonce, 16):
        raise AssertionError("the first picture is not the guest's")
    assert await viewer.handle("connections") == 1
    return times


def _viewers(stage: Stage, guest: Guest) -> int | None:
    domain = stage.portal.domain(guest.uuid)
    return domain["consoles"][0]["viewers"] if domain is not None else None


def _figure(runs: list[dict[str, Any]], begin: str, end: str) -> Figure:
    return Figure.of([_span(times, begin, end) for times in runs])


def _span(times: dict[str, Any], begin: str, end: str) -> float:
    span: float = times[end] - times[begin]
    return span
