"""Two viewers of one console, one of them through a bad connection: a network namespace behind a narrow link."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from libvirt_webrtc.media.aiortc_ext.ice import set_host_addresses
from libvirt_webrtc.media.aiortc_ext.negotiation import choose_format, prefer_format
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.formats import FULL, VideoFormat
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.media.helpers import show
from tests.media.reading import read
from tests.support.narrow_link import Limits, NarrowLink, NoLink, open_link, run_far

DEADLINE_S = 120.0
"""Guards against waiting for ever: a path is tried again after a quiet time, which is real time."""

BAD = Limits(rate_bps=4e6, delay_s=0.05, loss=0.03, queue_bytes=50_000)


class Far:
    """A viewer at the far end of the link, and our side of its connection."""

    def __init__(self, track: ConsoleTrack, link: NarrowLink) -> None:
        self.track = track
        self.link = link
        self.pictures = 0


@asynccontextmanager
async def far_viewer(video: ConsoleVideo, limits: Limits) -> AsyncIterator[Far]:
    process = await run_far(sys.executable, "-m", "tests.support.far_viewer")
    assert process.stdin is not None and process.stdout is not None
    server = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        # It speaks first, from its own namespace.
        await process.stdout.readline()
        try:
            with open_link(process.pid) as link:
                link.limit(limits)
                set_host_addresses([link.address])
                process.stdin.write(b"\n")
                offer = json.loads(await process.stdout.readline())["sdp"]
                chosen = choose_format(offer)
                track = video.track(chosen)
                prefer_format(server.addTransceiver(track, "sendonly"), chosen)
                await server.setRemoteDescription(RTCSessionDescription(offer, "offer"))
                await server.setLocalDescription(await server.createAnswer())
                process.stdin.write(json.dumps({"sdp": server.localDescription.sdp}).encode() + b"\n")
                far = Far(track, link)
                counting = asyncio.create_task(_count(process.stdout, far))
                try:
                    yield far
                finally:
                    await server.close()
                    process.stdin.close()
                    await counting
        except NoLink as reason:
            pytest.skip(str(reason))
    finally:
        process.stdin.close()
        await process.wait()


async def _count(lines: asyncio.StreamReader, far: Far) -> None:
    async for _ in lines:
        far.pictures += 1


async def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the awaited condition did not come"
        await asyncio.sleep(0.02)


async def _scroll(framebuffer: Framebuffer) -> None:
    """More than the bad connection carries: nothing of a picture is in the next one."""
    noise = np.random.default_rng(1).integers(0, 255, (720, 640, 4), np.uint8)
    while True:
        for top in range(0, 360, 24):
            show(framebuffer, noise[top : top + 360])
            await asyncio.sleep(1 / 30)


async def test_bad_connection_gets_a_cheaper_layer_and_disturbs_nobody() -> None:
    framebuffer = Framebuffer()
    video = ConsoleVideo(framebuffer)
    near = video.track(VideoFormat.H264)
    reading = asyncio.create_task(read(near))
    scrolling = asyncio.create_task(_scroll(framebuffer))
    try:
        async with far_viewer(video, BAD) as far:
            await eventually(lambda: far.track.layer is not FULL)
            assert "connection carries about" in far.track.layer_reason
            before, shown = near.stats(), far.pictures
            await eventually(lambda: far.pictures > shown + 60)
            after = near.stats()
            assert after.layer == "full" and after.dropped == 0
            assert after.frames > before.frames
            # One for each time that the other has tried this layer again.
            assert after.keyframes - before.keyframes <= 2
            far.link.limit(Limits())
            await eventually(lambda: far.track.layer is FULL and far.track.layer_reason == "full quality")
            shown = far.pictures
            await eventually(lambda: far.pictures > shown + 30)
    finally:
        scrolling.cancel()
        near.stop()
        await asyncio.wait({reading, scrolling})
        await video.close()
