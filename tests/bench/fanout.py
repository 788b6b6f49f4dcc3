"""What each further viewer of a 1080p console costs, against aiortc's own encoding for each; needs no guest.

The console is a terminal that scrolls 30 times a second, in a process of its own; the viewers are here: aiortc's peers
that only count packets.
"""

import asyncio
import json
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import get_capabilities
from aiortc.rtp import is_rtcp

from libvirt_webrtc.media.aiortc_ext import patches
from libvirt_webrtc.media.aiortc_ext.ice import set_host_addresses
from libvirt_webrtc.media.aiortc_ext.patching import replace
from tests.bench import plain_x264
from tests.bench.fanout_server import KINDS, Usage
from tests.bench.figures import Figure, Figures
from tests.bench.machine import CHECKOUT
from tests.bench.stage import Options, progress

VIEWERS = (1, 2, 4, 10, 20)
COMPARED = (1, 4)
"""How many viewers watch the consoles that ours is compared with."""
SETTLE_S = 1.5
"""The pause after the last viewer has come, in seconds: the keyframes of joining are sent in it."""
MEASURE_S = 4.0
CONNECT_S = 30.0

_HEADER = struct.Struct("!BH")
"""RTP's header from its second byte on: marker and payload type, sequence number."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one console with some viewers used for a while."""

    cpu: float
    """The server's CPU seconds per second."""
    fps: tuple[float, ...]
    """How many whole frames per second each viewer got."""
    lag_ms: float
    """How late the server's event loop was, in ms: 99 of 100 wake-ups were no later."""

    @property
    def cpu_per_frame(self) -> float:
        """CPU seconds of one frame for all viewers. On a machine that is too busy for the full rate, compare this."""
        return self.cpu * len(self.fps) / sum(self.fps)


class CountingViewer:
    """One viewer; ``frames`` arrived whole, that is without a gap in the packets' numbers.

    RTP's header is in the clear in SRTP, so nothing is decrypted, and next to nothing of the machine is taken from the
    server.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.sees = asyncio.Event()
        """Whether its first frame has arrived."""
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._next: int | None = None
        self._whole = True

    async def offer(self, codec: str) -> str:
        transceiver = self.peer.addTransceiver("video", "recvonly")
        known = get_capabilities("video").codecs
        transceiver.setCodecPreferences([c for c in known if c.name in (codec, "rtx")])
        connection = transceiver.receiver.transport.transport._connection
        other = connection.data_received

        def received(data: bytes, component: int) -> None:
            if 127 < data[0] < 192 and not is_rtcp(data):
                self._count(*_HEADER.unpack_from(data, 1))
            else:
                other(data, component)

        replace(connection, "data_received", received)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    def _count(self, marker_and_type: int, sequence: int) -> None:
        self._whole &= self._next in (None, sequence)
        self._next = (sequence + 1) & 0xFFFF
        if marker_and_type & 0x80:
            self.frames += self._whole
            self._whole = True
            self.sees.set()


class Server:
    """A console and its viewers."""

    def __init__(self, kind: str, process: asyncio.subprocess.Process) -> None:
        self._codec = KINDS[kind]
        self._process = process
        self._viewers: list[CountingViewer] = []

    async def measure(self, viewers: int) -> Sample:
        """Measure with so many viewers; at least as many as the time before."""
        while len(self._viewers) < viewers:
            await self._connect()
        await asyncio.sleep(SETTLE_S)
        await self._ask({})
        before = [viewer.frames for viewer in self._viewers]
        await asyncio.sleep(MEASURE_S)
        usage = Usage(**await self._ask({}))
        counts = zip(self._viewers, before, strict=True)
        fps = tuple((viewer.frames - count) / usage.wall_s for viewer, count in counts)
        return Sample(usage.cpu_s / usage.wall_s, fps, Figure.of(usage.lag_ms).p99)

    async def close(self) -> None:
        for viewer in self._viewers:
            await viewer.peer.close()

    async def _connect(self) -> None:
        viewer = CountingViewer()
        self._viewers.append(viewer)
        answer = await self._ask({"offer": await viewer.offer(self._codec)})
        await viewer.peer.setRemoteDescription(RTCSessionDescription(answer["answer"], "answer"))
        async with asyncio.timeout(CONNECT_S):
            await viewer.sees.wait()

    async def _ask(self, request: dict[str, str]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return answer


async def run(options: Options) -> Figures:
    """Each run has all consoles one after the other, so that a ratio is of one run."""
    patches.install()
    set_host_addresses(["127.0.0.1"])
    samples: dict[str, list[float]] = {}
    for number in range(options.runs):
        for key, value in (await _run_once()).items():
            samples.setdefault(key, []).append(value)
        progress(f"fanout {number + 1}/{options.runs}: {samples['cpu_1'][-1]:.2f} CPU for one viewer")
    return {key: Figure.of(values, _unit(key)) for key, values in samples.items()}


async def _run_once() -> dict[str, float]:
    """Key to value. ``_over_`` is at the same frame rate: of the CPU of one frame, so also where some are missed."""
    ours = await _measure("ours", VIEWERS)
    values: dict[str, float] = {}
    for viewers, sample in ours.items():
        values[f"cpu_{viewers}"] = sample.cpu
        values[f"cpu_ms_per_frame_{viewers}"] = 1000 * sample.cpu_per_frame
        values[f"fps_min_{viewers}"] = min(sample.fps)
        values[f"loop_lag_ms_{viewers}"] = sample.lag_ms
        if viewers > 1:
            values[f"cpu_{viewers}_over_1"] = sample.cpu_per_frame / ours[1].cpu_per_frame
    full_chroma = await _measure("ours_444", COMPARED)
    for viewers, sample in full_chroma.items():
        values[f"cpu_444_{viewers}"] = sample.cpu
        values[f"fps_min_444_{viewers}"] = min(sample.fps)
    for name, one, chroma in (("", ours[1], False), ("_444", full_chroma[1], True)):
        plain_ms = plain_x264.cpu_ms_per_frame(full_chroma=chroma)
        values[f"plain_x264{name}_cpu_ms_per_frame"] = plain_ms
        values[f"ours{name}_over_plain_x264"] = 1000 * one.cpu_per_frame / plain_ms
    values["cpu_444_4_over_1"] = full_chroma[4].cpu_per_frame / full_chroma[1].cpu_per_frame
    ratios = []
    for kind in ("aiortc_h264", "aiortc_vp8"):
        theirs = await _measure(kind, COMPARED)
        for viewers, sample in theirs.items():
            values[f"{kind}_cpu_{viewers}"] = sample.cpu
            values[f"{kind}_fps_min_{viewers}"] = min(sample.fps)
        ratios.append(theirs[4].cpu_per_frame / ours[4].cpu_per_frame)
        values[f"{kind}_over_ours_cpu_per_viewer_frame_4"] = ratios[-1]
    # Against whichever of its encoders did better.
    values["aiortc_over_ours_cpu_per_viewer_frame_4"] = min(ratios)
    return values


async def _measure(kind: str, viewers: tuple[int, ...]) -> dict[int, Sample]:
    async with _serving(kind) as server:
        return {count: await server.measure(count) for count in viewers}


@asynccontextmanager
async def _serving(kind: str) -> AsyncIterator[Server]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.fanout_server", kind),
        cwd=CHECKOUT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 22,
    )
    server = Server(kind, process)
    try:
        yield server
    finally:
        await server.close()
        # Its standard input ends: it closes what it has.
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def _unit(key: str) -> str:
    if "_over_" in key:
        return "ratio"
    if "_ms_" in key:
        return "ms"
    return "CPU s/s" if "cpu" in key else "frames/s"
