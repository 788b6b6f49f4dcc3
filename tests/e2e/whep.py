"""A WHEP player: aiortc, with nothing of ``web/`` in it."""

import asyncio

import aiohttp
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from av import VideoFrame

from examples.guests.comparison import compare
from tests.support.guests import Guest
from tests.support.portal import Portal

DEADLINE_S = 60.0


async def watch_until_known(portal: Portal, guest: Guest) -> None:
    """Open the guest's console and watch until its picture, with its nonce, comes.

    Raises:
        TimeoutError: it did not.
    """
    player = RTCPeerConnection()
    tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
    player.on("track", tracks.put_nowait)
    player.addTransceiver("video", direction="recvonly")
    try:
        await player.setLocalDescription(await player.createOffer())
        bearer = {"Authorization": f"Bearer {portal.token}"}
        async with (
            aiohttp.ClientSession(portal.url, headers=bearer) as http,
            http.post(
                f"/api/domains/{guest.uuid}/consoles/0/whep",
                data=player.localDescription.sdp,
                headers={"Content-Type": "application/sdp"},
            ) as response,
        ):
            assert response.status == 201, await response.text()
            await player.setRemoteDescription(RTCSessionDescription(await response.text(), "answer"))
        async with asyncio.timeout(DEADLINE_S):
            track = await tracks.get()
            while True:
                frame = await track.recv()
                assert isinstance(frame, VideoFrame)
                if compare(frame.to_ndarray(format="rgb24").astype(np.uint8), int(guest.nonce, 16)).ok:
                    return
    finally:
        await player.close()
