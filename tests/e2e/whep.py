"""A WHEP player: aiortc, with nothing of ``web/`` in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from av import VideoFrame

from examples.guests.comparison import compare
from tests.support.guests import Guest
from tests.support.portal import Portal

DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Player:
    """A player that has its answer."""

    guest: Guest
    connection: RTCPeerConnection
    track: MediaStreamTrack
    http: aiohttp.ClientSession
    """An HTTP session that is signed in at the portal."""
    location: str
    """The session's URL; DELETE ends it."""

    async def wait_known_picture(self) -> None:
        """Watch until the guest's picture, with its nonce, comes.

        Raises:
            TimeoutError: it did not.
        """
        async with asyncio.timeout(DEADLINE_S):
            while True:
                frame = await self.track.recv()
                assert isinstance(frame, VideoFrame)
                if compare(frame.to_ndarray(format="rgb24").astype(np.uint8), int(self.guest.nonce, 16)).ok:
                    return

    async def lose_picture(self) -> None:
        """Ask for a keyframe, as a decoder does that has lost its picture."""
        receiver = self.connection.getReceivers()[0]
        for source in receiver.getSynchronizationSources()[:1]:
            await receiver._send_rtcp_pli(source.source)


def signed_in(portal: Portal) -> aiohttp.ClientSession:
    """Sign in at the portal with its token."""
    return aiohttp.ClientSession(portal.own, headers={"Authorization": f"Bearer {portal.token}"})


async def offer(http: aiohttp.ClientSession, guest: Guest, sdp: str) -> tuple[str, str]:
    """Post an offer; return the answer and the session's location."""
    async with http.post(
        f"/api/domains/{guest.uuid}/consoles/0/whep", data=sdp, headers={"Content-Type": "application/sdp"}
    ) as response:
        answer = await response.text()
        assert (response.status, response.content_type) == (201, "application/sdp"), answer
        return answer, response.headers["Location"]


@asynccontextmanager
async def playing(portal: Portal, guest: Guest, *, codec: str | None = None) -> AsyncIterator[Player]:
    """Open the guest's console; ``codec`` alone, if it is named as in SDP."""
    connection = RTCPeerConnection()
    tracks: asyncio.Queue[MediaStreamTrack] = asyncio.Queue()
    connection.on("track", tracks.put_nowait)
    video = connection.addTransceiver("video", direction="recvonly")
    if codec is not None:
        known = RTCRtpReceiver.getCapabilities("video")
        assert known is not None
        video.setCodecPreferences([each for each in known.codecs if each.name == codec])
    try:
        await connection.setLocalDescription(await connection.createOffer())
        async with signed_in(portal) as http:
            answer, location = await offer(http, guest, connection.localDescription.sdp)
            await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            async with asyncio.timeout(DEADLINE_S):
                track = await tracks.get()
            yield Player(guest, connection, track, http, location)
    finally:
        await connection.close()


async def play_to_the_end(portal: Portal, guest: Guest, codec: str) -> None:
    """Watch a guest's console until its known picture is there, then end the session; ending it again is a 404."""
    portal.wait_console(guest.uuid)
    async with playing(portal, guest, codec=codec) as player:
        await player.wait_known_picture()
        for status in (200, 404):
            async with player.http.delete(player.location) as response:
                assert response.status == status
