"""How a bad connection looks to its viewer, and to the others: Chromium behind a narrow link, the guest scrolling."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from playwright.async_api import Page, async_playwright

from libvirt_webrtc.media.aiortc_ext.ice import set_host_addresses
from libvirt_webrtc.media.aiortc_ext.negotiation import (
    adapt_offer,
    choose_format,
    prefer_format,
)
from libvirt_webrtc.media.aiortc_ext.patches import install
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.bench.figures import Figure, Figures
from tests.bench.scroll import Scroll
from tests.bench.stage import PROBES, Options, progress
from tests.media.helpers import show
from tests.support.browsers import launch
from tests.support.narrow_link import Limits, NarrowLink, open_link, run_far

SCROLL_FPS = 30
WATCHED_S = 15.0
CUT_AFTER_S, CUT_S = 6.0, 3.0

_BAD = Limits(rate_bps=4e6, delay_s=0.05, loss=0.03, queue_bytes=50_000)
PATHS = {
    "bad": _BAD,
    "1mbit": replace(_BAD, rate_bps=1e6),
    "half_mbit": replace(_BAD, rate_bps=0.5e6),
    "loss_10": Limits(rate_bps=100e6, delay_s=0.05, loss=0.10),
    "cut": Limits(rate_bps=20e6, delay_s=0.02),
}
"""``bad`` loses 3%, takes 100 ms there and back, and carries 4 Mbit/s; ``cut`` carries nothing for 3 s."""


async def run(options: Options) -> Figures:
    """Each path, ``runs`` times: for both viewers the longest time without a new picture, and pictures a second."""
    install()
    figures: dict[str, list[float]] = {}
    for number in range(options.runs):
        for name, limits in PATHS.items():
            for key, value in (await watch_path(limits, cut=name == "cut")).items():
                figures.setdefault(f"{name}_{key}", []).append(value)
            progress(f"netem {number + 1}/{options.runs}: {name}")
    return {
        key: Figure.of(values, "frames/s" if key.endswith("fps") else "ms") for key, values in figures.items()
    }


async def watch_path(limits: Limits, *, cut: bool) -> dict[str, float]:
    """Once over one path, which with ``cut`` carries nothing for a while: the figures that a run collects."""
    framebuffer = Framebuffer()
    video = ConsoleVideo(framebuffer)
    scrolling = asyncio.create_task(_scroll(framebuffer))
    async with far_page() as (page, link):
        link.limit(limits)
        set_host_addresses([link.address])
        near, near_pictures = video.track(choose_format(await page.evaluate("far.offer()"))), list[float]()
        reading = asyncio.create_task(_read(near, near_pictures))
        began = time.time()
        server = await _connect(page, video)
        if cut:
            await asyncio.sleep(CUT_AFTER_S)
            link.limit(replace(limits, loss=1.0))
            await asyncio.sleep(CUT_S)
            link.limit(limits)
        await asyncio.sleep(WATCHED_S)
        ended = time.time()
        far_pictures = [ms / 1000 for ms in await page.evaluate("far.pictures")]
        await server.close()
        near.stop()
        await reading
    scrolling.cancel()
    await asyncio.wait({scrolling})
    await video.close()
    return {
        # Where none came at all, these two are bounds.
        "first_picture_ms": 1000 * ((far_pictures or [ended])[0] - began),
        "longest_gap_ms": _longest_gap_ms([*(far_pictures or [began]), ended]),
        "fps": len(far_pictures) / (ended - began),
        "other_longest_gap_ms": _longest_gap_ms(near_pictures),
        "other_fps": len(near_pictures) / (near_pictures[-1] - near_pictures[0]),
    }


def _longest_gap_ms(times: list[float]) -> float:
    return 1000 * max(after - before for before, after in zip(times, times[1:], strict=False))


async def _connect(page: Page, video: ConsoleVideo) -> RTCPeerConnection:
    offer = await page.evaluate("far.pc.localDescription.sdp")
    server = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    chosen = choose_format(offer)
    prefer_format(server.addTransceiver(video.track(chosen), "sendonly"), chosen)
    await server.setRemoteDescription(RTCSessionDescription(adapt_offer(offer), "offer"))
    await server.setLocalDescription(await server.createAnswer())
    await page.evaluate("sdp => far.answer(sdp)", server.localDescription.sdp)
    return server


@asynccontextmanager
async def far_page() -> AsyncIterator[tuple[Page, NarrowLink]]:
    """A page of a Chromium in a network namespace of its own, and the link to it."""
    holder = await run_far("cat")
    assert holder.stdin is not None
    try:
        with open_link(holder.pid) as link, tempfile.TemporaryDirectory() as folder:
            inside = _chromium_inside(holder.pid, folder)
            async with async_playwright() as playwright:
                browser = await launch(playwright, "chromium", inside)
                page = await browser.new_page()
                await page.add_script_tag(path=PROBES / "far.js")
                yield page, link
                await browser.close()
    finally:
        holder.stdin.close()
        await holder.wait()


def _chromium_inside(pid: int, folder: str) -> Path:
    """A program that starts Chromium in the network namespace of process ``pid``."""
    program = Path(folder, "chromium")
    program.write_text(f'#!/bin/sh\nexec nsenter --net --target {pid} -- {shutil.which("chromium")} "$@"\n')
    program.chmod(0o755)
    return program


async def _scroll(framebuffer: Framebuffer) -> None:
    scroll, step = Scroll(), 0
    while True:
        show(framebuffer, scroll.picture(step))
        step += 1
        await asyncio.sleep(1 / SCROLL_FPS)


async def _read(track: ConsoleTrack, pictures: list[float]) -> None:
    """The other viewer, on a path without limits."""
    with suppress(MediaStreamError):  # how a track tells its end
        while True:
            await track.next_frame()
            pictures.append(time.time())
