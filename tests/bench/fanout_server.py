"""The server of the bench ``fanout``, a process of its own: a scrolling console, by us or by aiortc alone.

``python -m tests.bench.fanout_server KIND`` reads one JSON object a line and answers each with one: ``{"offer": SDP}``
with ``{"answer": SDP}``, and ``{}`` with what it took since the last one: a :class:`Usage`.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction

import aioice.ice
import aiortc.codecs.h264
import aiortc.codecs.vpx
import av
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamTrack

from libvirt_webrtc.media.aiortc_ext import ice, patches
from libvirt_webrtc.media.aiortc_ext.patching import replace
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.formats import CLOCK_RATE, VideoFormat
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import PixelFormat
from tests.bench.scroll import HEIGHT, WIDTH, Scroll

FPS = 30
LAG_STEP_S = 0.005

KINDS = {"ours": "H264", "ours_444": "H264", "aiortc_h264": "H264", "aiortc_vp8": "VP8"}
"""The kinds of server, each with its codec's name in SDP."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the server used since it was asked before."""

    wall_s: float
    cpu_s: float
    """CPU seconds of all its threads."""
    lag_ms: list[float]
    """How late the event loop woke up a task that asks for it every :data:`LAG_STEP_S`."""


class Console:
    """The scrolling picture; it takes a step :data:`FPS` times a second."""

    def step(self, number: int) -> None:
        raise NotImplementedError

    def track(self) -> MediaStreamTrack:
        raise NotImplementedError


class OurConsole(Console):
    """As in a worker whose guest flips pages of shared memory; one rendition for all."""

    def __init__(self, format_: VideoFormat) -> None:
        patches.install()
        self._format = format_
        self._scroll = Scroll()
        self._framebuffer = Framebuffer()
        self.step(0)
        self._video = ConsoleVideo(self._framebuffer)

    def step(self, number: int) -> None:
        picture = self._scroll.picture(number).data
        self._framebuffer.map(WIDTH, HEIGHT, 4 * WIDTH, PixelFormat.X8R8G8B8, picture)

    def track(self) -> MediaStreamTrack:
        return self._video.track(self._format)


class Relayed(VideoStreamTrack):
    """One viewer's track for aiortc to encode: the newest picture, and none twice."""

    def __init__(self) -> None:
        super().__init__()
        self._newest: asyncio.Future[av.VideoFrame] = asyncio.get_running_loop().create_future()

    def show(self, frame: av.VideoFrame) -> None:
        if self._newest.done():
            self._newest = asyncio.get_running_loop().create_future()
        self._newest.set_result(frame)

    async def recv(self) -> av.VideoFrame:
        frame = await self._newest
        self._newest = asyncio.get_running_loop().create_future()
        return frame


class TheirConsole(Console):
    """aiortc alone, at the highest bit rate that it knows. One conversion for all, so only its encoding counts."""

    def __init__(self) -> None:
        replace(aiortc.codecs.h264, "DEFAULT_BITRATE", aiortc.codecs.h264.MAX_BITRATE)
        replace(aiortc.codecs.vpx, "DEFAULT_BITRATE", aiortc.codecs.vpx.MAX_BITRATE)
        replace(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
        self._scroll = Scroll()
        self._tracks: list[Relayed] = []

    def step(self, number: int) -> None:
        picture = av.VideoFrame.from_numpy_buffer(self._scroll.picture(number), "bgra")
        frame = picture.reformat(format="yuv420p")
        frame.pts, frame.time_base = number * CLOCK_RATE // FPS, Fraction(1, CLOCK_RATE)
        for track in self._tracks:
            track.show(frame)

    def track(self) -> MediaStreamTrack:
        self._tracks.append(Relayed())
        return self._tracks[-1]


class Server:
    """The console, its viewers' connections, and the clocks."""

    def __init__(self, kind: str) -> None:
        made: dict[str, Callable[[], Console]] = {
            "ours": lambda: OurConsole(VideoFormat.H264),
            "ours_444": lambda: OurConsole(VideoFormat.H264_444),
            "aiortc_h264": TheirConsole,
            "aiortc_vp8": TheirConsole,
        }
        self._console = made[kind]()
        self._codec = KINDS[kind]
        self._peers: list[RTCPeerConnection] = []
        self._lags: list[float] = []
        self._asked = time.monotonic(), time.process_time()

    async def run(self) -> None:
        """Serve until standard input ends."""
        if isinstance(self._console, OurConsole):
            ice.set_host_addresses(["127.0.0.1"])
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        tasks = [asyncio.create_task(self._step()), asyncio.create_task(self._probe())]
        while line := await reader.readline():
            request = json.loads(line)
            answer = await self._answer(request["offer"]) if "offer" in request else self._usage()
            print(json.dumps(answer), flush=True)
        for task in tasks:
            task.cancel()
        for peer in self._peers:
            await peer.close()

    async def _answer(self, offer: str) -> dict[str, object]:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.append(peer)
        transceiver = peer.addTransceiver(self._console.track(), "sendonly")
        known = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences([codec for codec in known if codec.name in (self._codec, "rtx")])
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return {"answer": peer.localDescription.sdp}

    def _usage(self) -> dict[str, object]:
        now, lags = (time.monotonic(), time.process_time()), self._lags
        usage = Usage(now[0] - self._asked[0], now[1] - self._asked[1], lags)
        self._asked, self._lags = now, []
        return asdict(usage)

    async def _step(self) -> None:
        loop = asyncio.get_running_loop()
        began, number = loop.time(), 0
        while True:
            self._console.step(number)
            number += 1
            await asyncio.sleep(began + number / FPS - loop.time())

    async def _probe(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_STEP_S
            await asyncio.sleep(LAG_STEP_S)
            self._lags.append(max(loop.time() - due, 0) * 1000)


if __name__ == "__main__":
    asyncio.run(Server(sys.argv[1]).run())
