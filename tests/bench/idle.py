"""What a console costs without viewers, and with a viewer of a still picture. Needs neither libvirt nor a browser."""

import asyncio
import os
from contextlib import AsyncExitStack

from libvirt_webrtc.worker.forking import warm_up
from tests.bench.bare import EMPTY, BareConsole, Wire, bare_console, demo_guest
from tests.bench.figures import Figure, Figures
from tests.bench.stage import Options, progress
from tests.bench.usage import cpu_s, descriptors, memory_mb, threads
from tests.media.helpers import until

QUIET_S = 8.0
"""The pause after a start or the last change, in seconds: then a still picture is refined, and connections are as
they stay."""
SIZE = "1920x1080"


async def run(options: Options) -> Figures:
    """Measure one domain with a viewer of a still picture, then ``runs`` more domains without viewers."""
    await asyncio.to_thread(warm_up)
    figures: Figures = {}
    async with AsyncExitStack() as stack:
        still = await stack.enter_async_context(bare_console(*demo_guest(f"run=still mode={SIZE}")))
        await asyncio.sleep(QUIET_S)
        figures["single_domain_pss_mb"] = _one(memory_mb(still.worker.pid, "Pss"), "MB")
        figures.update(await _still(still, options.seconds))
        consoles = [await stack.enter_async_context(bare_console(*EMPTY)) for _ in range(options.runs)]
        progress(f"idle: {len(consoles)} domains")
        await asyncio.sleep(QUIET_S)
        figures.update(await _idle(consoles, options.seconds))
    return figures


async def _idle(consoles: list[BareConsole], seconds: float) -> Figures:
    pids = [console.worker.pid for console in consoles]
    before, own = [cpu_s(pid) for pid in pids], cpu_s(os.getpid())
    await asyncio.sleep(seconds)
    shares = [(cpu_s(pid) - began) / seconds * 100 for pid, began in zip(pids, before, strict=True)]
    supervising = (cpu_s(os.getpid()) - own) / seconds * 100
    return {
        "idle_cpu_percent": Figure.of(shares, "%"),
        # This process does for its workers what the service does.
        "supervisor_cpu_percent_per_domain": _one(supervising / len(consoles), "%"),
        "idle_domain_pss_mb": Figure.of([memory_mb(pid, "Pss") for pid in pids], "MB"),
        "idle_domain_private_mb": Figure.of(
            [memory_mb(pid, "Private_Dirty", "Private_Clean") for pid in pids], "MB"
        ),
        "idle_threads": Figure.of([threads(pid) for pid in pids], "threads"),
    }


async def _still(console: BareConsole, seconds: float) -> Figures:
    pid = console.worker.pid
    before = descriptors(pid), threads(pid)
    wire = Wire()
    async with console.watch("still") as viewer:
        await asyncio.sleep(QUIET_S)
        received, sent, frames, used = wire.received, wire.sent, viewer.frames, cpu_s(pid)
        await asyncio.sleep(seconds)
        used = cpu_s(pid) - used
        down, up = wire.received - received, wire.sent - sent
        assert viewer.frames == frames, f"{viewer.frames - frames} frames of a still picture"
        await viewer.press("KeyA")
        await until(lambda: viewer.frames > frames)
        watched = memory_mb(pid, "Pss")
    await asyncio.sleep(QUIET_S)
    after = descriptors(pid), threads(pid)
    # The listener stays registered, with a connection of its own; a mapped picture has its descriptor.
    assert after[0] <= before[0] + 2 and after[1] == before[1], (
        f"descriptors, threads: {before}, later {after}"
    )
    return {
        "still_cpu_percent": _one(used / seconds * 100, "%"),
        "still_viewer_kbit_s": _one((down + up) * 8 / 1000 / seconds, "kbit/s"),
        "still_viewer_down_kbit_s": _one(down * 8 / 1000 / seconds, "kbit/s"),
        "watched_domain_pss_mb": _one(watched, "MB"),
        "after_viewer_pss_mb": _one(memory_mb(pid, "Pss"), "MB"),
    }


def _one(value: float, unit: str) -> Figure:
    return Figure.of([value], unit)
