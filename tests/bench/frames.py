"""How many different pictures a second reach one viewer while a guest moves; and noVNC's canvas."""

import asyncio
from collections import defaultdict

from aiortc import RTCSessionDescription

from tests.bench.fanout import CountingViewer
from tests.bench.figures import Figure, Figures
from tests.bench.latency import over_novnc
from tests.bench.screens import mode_of, screens
from tests.bench.stage import Stage, progress
from tests.e2e.viewer import DEADLINE_S
from tests.e2e.whep import offer, signed_in

MODES = {"scroll": "F3", "motion": "F4", "motion60": "F5"}
"""The guest draws the first two at 30 Hz, the last one at 60, as far as it comes to it: an emulated one draws 2 million
pixels hardly so often."""
RATE_S = 5.0
WARM_UP_S = 6.0
"""An emulated Linux goes over to its finer clock only then, and draws less often than it means to before."""


async def run(stage: Stage) -> Figures:
    """Look for five seconds at each mode: with a viewer that only counts, and in turns on our page and on noVNC's.

    A browser without a graphics card takes more CPU to decode and show a frame than it took to make it. The figures
    named ``sent`` are without one, of H.264 in 4:2:0; ``small60`` is a small text that changes at 60 Hz.
    """
    rates: dict[str, list[float]] = defaultdict(list)
    for name in (*MODES, "small60"):
        for _ in range(stage.options.runs):
            rates[f"sent_{name}_fps"].append(await _sent(stage, name))
        progress(f"frames: {rates[f'sent_{name}_fps'][-1]:.1f} frames/s sent of {name}")
    shown = await screens(stage)
    for number in range(stage.options.runs):
        for screen in shown:
            async with screen.alone(shown):
                for name, key in MODES.items():
                    await screen.choose(key)
                    rates[f"{screen.prefix}{name}_fps"].append(await screen.rate(RATE_S))
        progress(
            f"frames {number + 1}/{stage.options.runs}: {rates['motion60_fps'][-1]:.1f} frames/s at 60 Hz"
        )
    figures = {key: Figure.of(fps, "frames/s") for key, fps in rates.items()}
    return figures | over_novnc(figures)


async def _sent(stage: Stage, mode: str) -> float:
    """Return how many frames per second arrive whole."""
    guest = stage.guest(f"{mode_of(stage)} run={mode}")
    viewer = CountingViewer()
    try:
        async with signed_in(stage.portal) as http, asyncio.timeout(DEADLINE_S):
            answer, _ = await offer(http, guest, await viewer.offer("H264"))
            await viewer.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            await viewer.sees.wait()
            await asyncio.sleep(WARM_UP_S)
            before = viewer.frames
            await asyncio.sleep(RATE_S)
            return (viewer.frames - before) / RATE_S
    finally:
        await viewer.peer.close()
        guest.destroy()
