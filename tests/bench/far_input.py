"""How long a key takes over a bad path, one way: with the small messages after it (web/core/nudge.js), and without."""

import asyncio
import struct
import time
from functools import partial
from pathlib import Path

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from playwright.async_api import Page

from libvirt_webrtc.media.aiortc_ext.ice import set_host_addresses
from libvirt_webrtc.media.aiortc_ext.patches import install
from tests.bench.figures import Figure, Figures
from tests.bench.netem import PATHS, far_page
from tests.bench.stage import PROBES, Options, progress

NUDGE = Path(__file__).parents[2] / "web" / "core" / "nudge.js"
KEY = 1
CONNECTIONS = 6
"""Of each kind, at the same time: the paths of all are one link, which they hardly fill."""


async def run(options: Options) -> Figures:
    """``runs`` keys of each kind behind 4 Mbit/s, 3% loss and 100 ms there and back."""
    taken = await keys(options.runs)
    return {f"bad_key_one_way_{name}_ms": Figure.of(times) for name, times in taken.items()}


async def keys(count: int) -> dict[str, list[float]]:
    """How long each of ``count`` keys took one way, in ms, by whether small messages come after them."""
    install()
    taken: dict[str, list[float]] = {"plain": [], "nudged": []}
    async with far_page() as (page, link):
        link.limit(PATHS["bad"])
        set_host_addresses([link.address])
        await page.add_script_tag(content=f"{NUDGE.read_text()}\nwindow.Nudge = Nudge;", type="module")
        await page.add_script_tag(path=PROBES / "far_input.js")
        servers = [
            await _connect(page, nudged=name == "nudged", taken=taken[name])
            for _ in range(CONNECTIONS)
            for name in taken
        ]
        while min(map(len, taken.values())) < count:
            await asyncio.sleep(5)
            progress(f"far_input: {', '.join(f'{len(times)} {name}' for name, times in taken.items())}")
        for server in servers:
            await server.close()
    return {name: times[:count] for name, times in taken.items()}


async def _connect(page: Page, *, nudged: bool, taken: list[float]) -> RTCPeerConnection:
    server = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    def take(channel: RTCDataChannel, message: bytes) -> None:
        if message[0] == KEY:
            (sent_ms,) = struct.unpack(">d", message[1:])
            taken.append(time.time() * 1000 - sent_ms)
        elif channel.readyState == "open":
            channel.send(b"\x87" + message[1:])

    server.on("datachannel", lambda channel: channel.on("message", partial(take, channel)))
    offer = await page.evaluate("nudged => farInput.offer(nudged)", nudged)
    await server.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await server.setLocalDescription(await server.createAnswer())
    await page.evaluate("sdp => farInput.answer(sdp)", server.localDescription.sdp)
    return server
