"""Pictures, decoders and peers for the media tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from libvirt_webrtc.media.aiortc_ext.ice import set_host_addresses
from libvirt_webrtc.media.aiortc_ext.negotiation import choose_format, prefer_format
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.convert.converter import FULL_RANGE
from libvirt_webrtc.media.convert.yuv import plane_view
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.media.rtp.frame import RtpFrame
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import PixelFormat, Pixels

DEADLINE_S = 30.0

T = TypeVar("T")


async def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds, within a generous deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the awaited condition did not come")
        await asyncio.sleep(0.005)


async def soon(awaitable: Awaitable[T]) -> T:
    async with asyncio.timeout(DEADLINE_S):
        return await awaitable


def picture(width: int, height: int, seed: int = 0) -> Pixels:
    """Smooth colours with some sharp edges: encodes well and differs everywhere from another seed's."""
    y, x = np.arange(height, dtype=np.float64)[:, None], np.arange(width, dtype=np.float64)[None, :]
    made: Pixels = np.empty((height, width, 4), np.uint8)
    for channel in range(3):
        wave = np.sin(x * (4 + channel) / width + y * (6 - channel) / height + seed + channel)
        made[..., channel] = (wave * 100 + 128).astype(np.uint8)
    # On even pixels, so that 4:2:0 does not blur its edge.
    top, bottom, left, right = height // 8 * 2, height // 4 * 2, width // 8 * 2, width // 4 * 2
    made[top:bottom, left:right, :3] = (40 * seed + 60) % 256
    made[..., 3] = 255
    return made


def noise(width: int, height: int) -> Pixels:
    """The same for the same size, and different in each pixel."""
    return np.random.default_rng(width * 10_000 + height).integers(0, 256, (height, width, 4), np.uint8)


def show(framebuffer: Framebuffer, pixels: Pixels) -> None:
    """The display sends a whole new picture."""
    height, width = pixels.shape[:2]
    framebuffer.scanout(width, height, width * 4, PixelFormat.X8R8G8B8, pixels.tobytes())


def draw(framebuffer: Framebuffer, x: int, y: int, pixels: Pixels) -> None:
    """The display sends a changed rectangle."""
    height, width = pixels.shape[:2]
    framebuffer.update(x, y, width, height, width * 4, PixelFormat.X8R8G8B8, pixels.tobytes())


def psnr(one: Pixels, other: Pixels) -> float:
    """Decibels over blue, green and red."""
    error = float(np.mean((one[..., :3].astype(np.float64) - other[..., :3]) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


_DECODERS = {
    VideoFormat.H264: "h264",
    VideoFormat.H264_444: "h264",
    VideoFormat.VP8: "libvpx",
    VideoFormat.VP9: "vp9",
    VideoFormat.VP9_444: "vp9",
}


class Decoder:
    """Decodes packets of one codec into B, G, R, X pixels."""

    def __init__(self, codec: VideoFormat) -> None:
        context = av.CodecContext.create(_DECODERS[codec], "r")
        assert isinstance(context, av.VideoCodecContext)
        self._context = context

    def decode(self, packet: EncodedFrame | RtpFrame) -> list[av.VideoFrame]:
        encoded = packet.encoded if isinstance(packet, RtpFrame) else packet
        decoded = self._context.decode(av.Packet(encoded.data))
        return [frame for frame in decoded if isinstance(frame, av.VideoFrame)]

    def pixels(self, packet: EncodedFrame | RtpFrame) -> Pixels:
        return bgrx(self.decode(packet)[-1])


def bgrx(frame: av.VideoFrame) -> Pixels:
    """BT.601 in the frame's own range and sampling back to B, G, R, X; swscale leaves out the last columns of some
    widths."""
    luma, *chroma = (plane_view(plane).astype(np.float64) for plane in frame.planes)
    scale = 1.0
    if frame.color_range != FULL_RANGE:
        luma, scale = (luma - 16) * 255 / 219, 255 / 224
    if chroma[0].shape != luma.shape:
        chroma = [plane.repeat(2, 0).repeat(2, 1)[: frame.height, : frame.width] for plane in chroma]
    u, v = ((plane - 128) * scale for plane in chroma)
    channels = (luma + 1.772 * u, luma - 0.34414 * u - 0.71414 * v, luma + 1.402 * v, np.full_like(luma, 255))
    return np.stack(channels, axis=-1).clip(0, 255).round().astype(np.uint8)


@dataclass
class Viewer:
    """A receiving peer, connected to a track of a console over real UDP on loopback."""

    client: RTCPeerConnection
    server: RTCPeerConnection
    track: ConsoleTrack
    answer: str
    frames: list[av.VideoFrame]
    reader: asyncio.Task[None]

    def newest(self) -> Pixels:
        return bgrx(self.frames[-1])

    def shows(self, pixels: Pixels, decibels: float = 30) -> bool:
        if not self.frames or (self.frames[-1].height, self.frames[-1].width) != pixels.shape[:2]:
            return False
        return psnr(self.newest(), pixels) > decibels

    async def close(self) -> None:
        await self.server.close()
        await self.client.close()
        # aiortc does not end the track of a peer that was closed before it was connected.
        self.reader.cancel()
        await asyncio.wait([self.reader])


async def watch(
    video: ConsoleVideo,
    codec: VideoFormat = VideoFormat.H264,
    *,
    edit_offer: Callable[[str], str] = lambda sdp: sdp,
) -> Viewer:
    """Connect a new viewer that offers ``codec`` only."""
    set_host_addresses(["127.0.0.1"])
    configuration = RTCConfiguration(iceServers=[])
    client, server = RTCPeerConnection(configuration), RTCPeerConnection(configuration)
    receiving = client.addTransceiver("video", "recvonly")
    prefer_format(receiving, codec)
    client.createDataChannel("input")
    await client.setLocalDescription(await client.createOffer())
    offer = client.localDescription
    offer.sdp = edit_offer(offer.sdp)
    chosen = choose_format(offer.sdp)
    track = video.track(chosen)
    prefer_format(server.addTransceiver(track, "sendonly"), chosen)
    await server.setRemoteDescription(offer)
    await server.setLocalDescription(await server.createAnswer())
    await client.setRemoteDescription(server.localDescription)
    frames: list[av.VideoFrame] = []
    reader = asyncio.create_task(_receive(receiving.receiver.track, frames))
    return Viewer(client, server, track, server.localDescription.sdp, frames, reader)


async def _receive(track: MediaStreamTrack, frames: list[av.VideoFrame]) -> None:
    with suppress(MediaStreamError):  # how a track tells its end
        while True:
            frame = await track.recv()
            assert isinstance(frame, av.VideoFrame)
            frames.append(frame)


@asynccontextmanager
async def watching(
    video: ConsoleVideo,
    codec: VideoFormat = VideoFormat.H264,
    *,
    edit_offer: Callable[[str], str] = lambda sdp: sdp,
) -> AsyncIterator[Viewer]:
    viewer = await soon(watch(video, codec, edit_offer=edit_offer))
    try:
        yield viewer
    finally:
        await viewer.close()
