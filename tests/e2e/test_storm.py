"""A guest that changes its mode again and again; one viewer keeps asking for keyframes, another is a browser."""

import asyncio
from collections.abc import Callable

import pytest
from aiortc.contrib.media import MediaBlackhole
from playwright.async_api import Browser

from examples.guests.comparison import compare
from examples.guests.layout import Rgb
from libvirt_webrtc.media.encode.frame_scheduler import KEYFRAME_INTERVAL_S
from libvirt_webrtc.worker.shared_console import REPLACED_S
from tests.bench.usage import descriptors, memory_mb
from tests.e2e.viewer import Viewer
from tests.e2e.whep import Player, playing
from tests.support.guests import GuestFactory
from tests.support.portal import Portal
from tests.support.waiting import NeverHappened, wait_until

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

MODES, PICTURE_LOSSES = 21, 25
"""All sizes of the guest's equally often; the player loses its picture so often in each."""
MODES_BEFORE = 18
"""Until what is kept for repetition is full, and every path of the code was gone."""
GROWTH_MB = 24
"""One pipeline that stays behind for each mode would be ten times as much."""
SETTLED_S = REPLACED_S + 1.0
OWN = ("Private_Clean", "Private_Dirty")
TRIES, TRY_S = 6, 10.0
"""A guest that is starved loses keys."""


async def test_modes_and_lost_pictures_neither_leak_nor_stall_nor_storm(
    make_guest: GuestFactory, portal: Portal, browser: Browser
) -> None:
    guest = make_guest(options="mode=1024x768")
    viewer = await Viewer.watch(browser, portal, guest)
    worker = portal.wait_console(guest.uuid)["worker_pid"]

    def keyframes() -> int:
        renditions = portal.get(f"/api/domains/{guest.uuid}/consoles/0/stats")["renditions"]
        return int(max(rendition["keyframes"] for rendition in renditions))

    async with playing(portal, guest) as player:
        sink = MediaBlackhole()
        sink.addTrack(player.track)
        await sink.start()
        await _storm(viewer, player, MODES_BEFORE)
        began, before = asyncio.get_running_loop().time(), keyframes()
        await asyncio.sleep(SETTLED_S)
        fds, memory = descriptors(worker), memory_mb(worker, *OWN)

        await _storm(viewer, player, MODES)

        took_s = asyncio.get_running_loop().time() - began
        assert keyframes() - before <= MODES + took_s / KEYFRAME_INTERVAL_S + 1
        assert descriptors(worker) <= fds
        most = memory + GROWTH_MB
        await asyncio.to_thread(
            wait_until, lambda: memory_mb(worker, *OWN) < most, "the former pictures' memory given back"
        )
        await sink.stop()
    await viewer.wait_known_picture()
    assert portal.wait_console(guest.uuid)["worker_pid"] == worker


async def _storm(viewer: Viewer, player: Player, modes: int) -> None:
    """Each mode is waited for in the browser, while the player loses its picture."""
    nonce = int(viewer.guest.nonce, 16)
    size: tuple[int, ...] = (await viewer.wait_known_picture()).shape

    def another(rgb: Rgb) -> bool:
        return rgb.shape != size and compare(rgb, nonce).ok

    for _ in range(modes):
        for _ in range(PICTURE_LOSSES):
            await player.lose_picture()
            await asyncio.sleep(0)
        size = (await _next_mode(viewer, another)).shape


async def _next_mode(viewer: Viewer, wanted: Callable[[Rgb], bool]) -> Rgb:
    for _ in range(TRIES):
        await viewer.press("F6")
        try:
            async with asyncio.timeout(TRY_S):
                return await viewer.wait_picture(wanted, "the next mode")
        except TimeoutError:
            continue
    raise NeverHappened("the next mode")
