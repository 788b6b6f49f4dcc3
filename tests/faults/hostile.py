"""Offers, bodies and messages that are not what they should be, and too many of them."""

import asyncio
import random
import time
from collections import Counter

import aiohttp

from tests.bench.bare import PingingClient
from tests.e2e.whep import signed_in
from tests.faults.scenario import Measured
from tests.faults.scene import Scene, progress
from tests.faults.watching import ask, domain_of, until, watching
from tests.support.guests import Guest
from tests.support.portal import Portal

OFFERS, LONG_OFFERS = 60, 700
MESSAGES = 3000
FLOOD_PER_S = 1000.0
GARBAGE = (b"", b"\x99", b"\x01", b"\x01\x01" + b"x" * 40, b"\x02\x00", b"\xff" * 70_000)


async def run(scene: Scene) -> list[Measured]:
    portal = scene.start_portal()
    guest = scene.guest(portal)
    async with watching(portal, guest) as watcher:
        worker = domain_of(await ask(portal), guest)["worker_pid"]
        began = time.monotonic()
        statuses = await _mutated_offers(portal, guest, LONG_OFFERS if scene.long else OFFERS)
        progress(f"offers: {dict(statuses)}")
        for message in GARBAGE:
            await _send(portal, guest, [message])
        await _send(portal, guest, [b"\x02\x00\x01\x00\x01"] * MESSAGES)
        gap = watcher.longest_gap_s(began)
        others = float(domain_of(await ask(portal), guest)["worker_pid"] != worker)
    wrong = sum(number for status, number in statuses.items() if status >= 500 and status != 503)
    return [
        Measured("offers of these answered as a fault of the server", wrong, 0, "offers"),
        Measured("workers ended", others, 0, "workers"),
        Measured("services ended", float(portal.process.poll() is not None), 0, "services"),
        Measured("longest gap in another viewer's stream", gap, 1.0),
    ]


async def _mutated_offers(portal: Portal, guest: Guest, number: int) -> Counter[int]:
    """Offers with some bytes changed, and other bodies; the answers' statuses. Those that are taken are ended."""
    choose = random.Random(1)
    async with PingingClient() as viewer, signed_in(portal) as http:
        good = (await viewer.offer()).encode()
        statuses: Counter[int] = Counter()
        for body in (b"", b"{", b"[" * 50_000, b"v=0\r\n" * 20_000, bytes(range(256)) * 8):
            statuses[await _offer(http, guest, body)] += 1
        for _ in range(number):
            changed = bytearray(good)
            for _ in range(choose.randrange(1, 6)):
                at = choose.randrange(len(changed))
                changed[at : at + choose.randrange(3)] = choose.randbytes(choose.randrange(3))
            statuses[await _offer(http, guest, bytes(changed))] += 1
    return statuses


async def _offer(http: aiohttp.ClientSession, guest: Guest, body: bytes) -> int:
    path = f"/api/domains/{guest.uuid}/consoles/0/whep"
    async with http.post(path, data=body, headers={"Content-Type": "application/sdp"}) as response:
        await response.read()
    if location := response.headers.get("Location"):
        async with http.delete(location):
            pass
    return response.status


async def _send(portal: Portal, guest: Guest, messages: list[bytes]) -> None:
    """Messages on the input channel of a viewer that does what it wants; its connection may be ended meanwhile."""
    async with PingingClient() as viewer, signed_in(portal) as http:
        path = f"/api/domains/{guest.uuid}/consoles/0/whep"
        sdp = await viewer.offer()
        async with http.post(path, data=sdp, headers={"Content-Type": "application/sdp"}) as response:
            assert response.status == 201
            await viewer.take(await response.text())
            location = response.headers["Location"]
        channel = viewer.channels["input"]
        await until(lambda: channel.readyState == "open")
        for message in messages:
            if channel.readyState != "open":
                break
            channel.send(message)
            await asyncio.sleep(1 / FLOOD_PER_S)
        await asyncio.sleep(0.3)
        async with http.delete(location):
            pass
