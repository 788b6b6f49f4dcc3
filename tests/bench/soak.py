"""Whether a console that is used all day grows; needs neither libvirt nor a browser.

Viewers come and go, ask for keyframes, and change the guest's mode; a run takes about eight seconds. Memory and
descriptors are read after each, when nobody watches; figures are of the later half, after every path was gone once.
"""

import asyncio
import os
import statistics
import time
from dataclasses import dataclass

from libvirt_webrtc.worker.forking import warm_up
from libvirt_webrtc.worker.shared_console import ABANDONED_S
from tests.bench.bare import BareConsole, PingingClient, bare_console, demo_guest
from tests.bench.figures import Figure, Figures
from tests.bench.stage import Options, progress
from tests.bench.usage import descriptors, memory_mb

WATCH_S = 2.0
"""Half of the time that a viewer stays, in seconds; the guest's mode changes in its middle."""
SENT_S = 0.5
VISIT_LIMIT_S = 90.0
PICTURE_LOSSES = 5
NEXT_MODE, SCROLL, STILL = "F6", "F3", "F1"


@dataclass(frozen=True, slots=True)
class Reading:
    """What both processes use while nobody watches."""

    at_s: float
    worker_rss_mb: float
    worker_fds: int
    service_rss_mb: float
    service_fds: int


async def run(options: Options) -> Figures:
    """Let two viewers at a time come and go, again and again."""
    await asyncio.to_thread(warm_up)
    readings: list[Reading] = []
    async with bare_console(*demo_guest("run=small mode=800x600")) as console:
        began = time.monotonic()
        for run in range(options.runs):
            await asyncio.gather(*(_visit(console, f"{run}-{number}") for number in range(2)))
            await asyncio.sleep(ABANDONED_S + 1)
            readings.append(_read(console, time.monotonic() - began))
            progress(f"soak {run + 1}/{options.runs}: {readings[-1]}")
    later = readings[len(readings) // 2 :]
    return {
        "worker_rss_mb": Figure.of([reading.worker_rss_mb for reading in later], "MB"),
        "worker_fds": Figure.of([reading.worker_fds for reading in later], "descriptors"),
        "worker_rss_slope_mb_h": _slope([(reading.at_s, reading.worker_rss_mb) for reading in later]),
        # This process holds the worker's other end, as the service does, and the viewers beside it.
        "service_fds": Figure.of([reading.service_fds for reading in later], "descriptors"),
        "service_rss_slope_mb_h": _slope([(reading.at_s, reading.service_rss_mb) for reading in later]),
    }


async def _visit(console: BareConsole, name: str) -> None:
    async with asyncio.timeout(VISIT_LIMIT_S), console.watch(name) as viewer:
        await viewer.press(SCROLL)
        await asyncio.sleep(WATCH_S)
        await viewer.press(NEXT_MODE)
        for _ in range(PICTURE_LOSSES):
            await _lose_picture(viewer)
        await asyncio.sleep(WATCH_S)
        await viewer.press(STILL)
        # aiortc's own end may wait for ever where a message is still on its way.
        await asyncio.sleep(SENT_S)


async def _lose_picture(viewer: PingingClient) -> None:
    receiver = viewer.connection.getReceivers()[0]
    (ssrc,) = (source.source for source in receiver.getSynchronizationSources()[:1])
    await receiver._send_rtcp_pli(ssrc)


def _read(console: BareConsole, at_s: float) -> Reading:
    pid, own = console.worker.pid, os.getpid()
    return Reading(at_s, memory_mb(pid, "Rss"), descriptors(pid), memory_mb(own, "Rss"), descriptors(own))


def _slope(points: list[tuple[float, float]]) -> Figure:
    """Return the slope of the line through the points, by least squares."""
    slope = statistics.linear_regression(*zip(*points, strict=True)).slope if len(points) > 1 else 0.0
    return Figure.of([slope * 3600], "MB/h")
