"""Any WHEP player can watch: an aiortc client, with nothing of web/ in it."""

import asyncio

import aiohttp
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from av import VideoFrame

from examples.guests.comparison import compare
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = pytest.mark.libvirt

DEADLINE_S = 60.0


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_whep_player_receives_the_picture_with_its_nonce(
    make_guest: GuestFactory, portal: Portal, codec: str
) -> None:
    guest = make_guest()
    portal.wait_console(guest.uuid)
    player = RTCPeerConnection()
    tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
    player.on("track", tracks.put_nowait)
    video = player.addTransceiver("video", direction="recvonly")
    capabilities = RTCRtpReceiver.getCapabilities("video")
    assert capabilities is not None
    video.setCodecPreferences([each for each in capabilities.codecs if each.name == codec])
    await player.setLocalDescription(await player.createOffer())

    bearer = {"Authorization": f"Bearer {portal.token}"}
    async with aiohttp.ClientSession(portal.url, headers=bearer) as http:
        async with http.post(
            f"/api/domains/{guest.uuid}/consoles/0/whep",
            data=player.localDescription.sdp,
            headers={"Content-Type": "application/sdp"},
        ) as response:
            assert response.status == 201
            assert response.content_type == "application/sdp"
            location = response.headers["Location"]
            answer = await response.text()
        await player.setRemoteDescription(RTCSessionDescription(answer, "answer"))

        async with asyncio.timeout(DEADLINE_S):
            track = await tracks.get()
            while True:
                frame = await track.recv()
                assert isinstance(frame, VideoFrame)
                if compare(frame.to_ndarray(format="rgb24").astype(np.uint8), int(guest.nonce, 16)).ok:
                    break

        async with http.delete(location) as response:
            assert response.status == 200
        async with http.delete(location) as response:
            assert response.status == 404
    await player.close()


async def test_whep_needs_a_token(make_guest: GuestFactory, portal: Portal) -> None:
    guest = make_guest()
    async with aiohttp.ClientSession(portal.url) as http:
        async with http.post(
            f"/api/domains/{guest.uuid}/consoles/0/whep",
            data="v=0\r\n",
            headers={"Content-Type": "application/sdp"},
        ) as response:
            assert response.status == 401
