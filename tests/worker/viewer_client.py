"""A viewer of the shared_consoles' and viewers' tests: a real aiortc client that gathers on loopback."""

import asyncio
from typing import Self

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame

from libvirt_webrtc.media.aiortc_ext.ice import set_host_addresses

CHANNELS = ("input", "display")


class ViewerClient:
    """Offers receiving video sections and data channels; ``async with`` ends it.

    Attributes:
        received: what came on the display channel.
        shown: how many pictures of each section were decoded.
        pictures: the newest of each section, where there is one.
        ended: set when the video has ended.
    """

    def __init__(self, channels: tuple[str, ...] = CHANNELS, *, sections: int = 1) -> None:
        set_host_addresses(["127.0.0.1"])
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.received: list[bytes] = []
        self.shown = [0] * sections
        self.pictures: dict[int, VideoFrame] = {}
        self.ended = asyncio.Event()
        for _ in range(sections):
            self.connection.addTransceiver("video", "recvonly")
        self.channels: dict[str, RTCDataChannel] = {}
        for label in channels:
            self.open(label)
        if "display" in self.channels:
            self.channels["display"].on("message", self.received.append)
        self.connection.on("track", self._read)
        self._readers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()
        await asyncio.gather(*self._readers)

    def open(self, label: str) -> RTCDataChannel:
        """One more data channel; before the offer, or any time later where that has one."""
        self.channels[label] = self.connection.createDataChannel(label)
        return self.channels[label]

    @property
    def frames(self) -> int:
        """How many pictures of the first section were decoded."""
        return self.shown[0]

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return str(self.connection.localDescription.sdp)

    async def take(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    @property
    def is_open(self) -> bool:
        """Whether its connection is there."""
        return self.connection.connectionState == "connected"

    @property
    def types(self) -> list[int]:
        """Of the messages received so far."""
        return [message[0] for message in self.received]

    def _read(self, track: MediaStreamTrack) -> None:
        # Tracks come in the order of the sections.
        self._readers.append(asyncio.create_task(self._receive(len(self._readers), track)))

    async def _receive(self, section: int, track: MediaStreamTrack) -> None:
        try:
            while True:
                picture = await track.recv()
                assert isinstance(picture, VideoFrame)
                self.pictures[section] = picture
                self.shown[section] += 1
        except MediaStreamError:
            self.ended.set()
