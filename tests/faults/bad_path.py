"""A viewer behind 3% loss, 100 ms there and back, and 4 Mbit/s, while a terminal scrolls or a guest draws."""

import asyncio
import json
import sys

from libvirt_webrtc.media.aiortc_ext.patches import install
from tests.bench.figures import Figure
from tests.bench.netem import PATHS, watch_path
from tests.e2e.whep import offer, signed_in
from tests.faults.far_input import PINGS
from tests.faults.scenario import Measured
from tests.faults.scene import Scene
from tests.support.narrow_link import open_link, run_far

ENDS_S = 120.0
"""Guards against waiting for ever."""


async def run(scene: Scene) -> list[Measured]:
    install()
    seen = await watch_path(PATHS["bad"], cut=False)
    took = await _pings(scene)
    return [
        Measured("first picture", seen["first_picture_ms"] / 1000, 2.0),
        Measured("longest freeze", seen["longest_gap_ms"] / 1000, 2.0),
        Measured("longest gap of another viewer", seen["other_longest_gap_ms"] / 1000, 0.5),
        # Twice what the table grants one way.
        Measured("input there and back, p95", Figure.of(took, "s").p95, 0.5),
        Measured("pings without an answer", PINGS - len(took), 0, "pings"),
    ]


async def _pings(scene: Scene) -> list[float]:
    """How long each ping took there and back, in seconds."""
    process = await run_far(sys.executable, "-m", "tests.faults.far_input")
    assert process.stdin is not None and process.stdout is not None
    try:
        async with asyncio.timeout(ENDS_S):
            await process.stdout.readline()
            with open_link(process.pid) as link:
                link.limit(PATHS["bad"])
                # Only now: its workers offer the addresses that the machine has when they begin.
                portal = scene.start_portal()
                guest = scene.guest(portal)
                process.stdin.write(b"\n")
                sdp = json.loads(await process.stdout.readline())["sdp"]
                async with signed_in(portal) as http:
                    answer, _ = await offer(http, guest, sdp)
                process.stdin.write(json.dumps({"sdp": answer}).encode() + b"\n")
                took: list[float] = json.loads(await process.stdout.readline())
                return took
    finally:
        process.stdin.close()
        await process.wait()
