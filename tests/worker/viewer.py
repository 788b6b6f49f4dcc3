"""A viewer of the seats' and peers' tests: a real aiortc client that gathers on loopback."""

import asyncio
from typing import Self

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from libvirt_webrtc.media.aiortc_ext.ice import set_host_addresses

CHANNELS = ("input", "display")


class Viewer:
    """Offers one receiving video section and data channels; ``async with`` ends it.

    Attributes:
        received: what came on the display channel.
        frames: how many pictures were decoded.
        ended: set when the video has ended.
    """

    def __init__(self, channels: tuple[str, ...] = CHANNELS) -> None:
        set_host_addresses(["127.0.0.1"])
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.received: list[bytes] = []
        self.frames = 0
        self.ended = asyncio.Event()
        self.connection.addTransceiver("video", "recvonly")
        self.channels: dict[str, RTCDataChannel] = {}
        for label in channels:
            self.channels[label] = self.connection.createDataChannel(label)
        if "display" in self.channels:
            self.channels["display"].on("message", self.received.append)
        self.connection.on("track", self._read)
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()
        if self._reader is not None:
            await self._reader

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    async def take(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    @property
    def types(self) -> list[int]:
        """Of the messages received so far."""
        return [message[0] for message in self.received]

    def _read(self, track: MediaStreamTrack) -> None:
        self._reader = asyncio.create_task(self._receive(track))

    async def _receive(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                await track.recv()
                self.frames += 1
        except MediaStreamError:
            self.ended.set()
