"""Displays with gl=on, drawn and read in software: how long QEMU waits for us, and what a picture costs.

Needs neither libvirt nor a browser. A QEMU draws a guest in motion; with and without a viewer in turns, it is counted
how many updates a second it makes, and timed how long each of ``UpdateDMABUF`` waits for its answer. Then the CPU of
one 1080p picture, all threads together: imported, copied and converted on the "card", beside the plain way, which is
imported, read back whole by ``glReadPixels``, and converted in memory.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from aiortc.mediastreams import MediaStreamError

from libvirt_webrtc.display.card_surface import CardSurface
from libvirt_webrtc.display.display import Display
from libvirt_webrtc.display.dmabuf import Dmabuf
from libvirt_webrtc.display.gl.thread import GraphicsThread, Urgency
from libvirt_webrtc.display.listener import Listener
from libvirt_webrtc.display.scanout import DmabufScanout
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import Rect
from tests.bench import world
from tests.bench.figures import Figure, Figures
from tests.bench.ingest import Sink
from tests.bench.stage import Options, progress
from tests.gl.memory import Memory, picture
from tests.media.helpers import until
from tests.support import mesa
from tests.support.emulators import emulators
from tests.support.qmp import Qemu

if TYPE_CHECKING:
    from libvirt_webrtc.display.gl.context import Context
    from libvirt_webrtc.display.gl.picture import CardPicture

WIDTH, HEIGHT = 1920, 1080
WHOLE = Rect(0, 0, WIDTH, HEIGHT)
SMALL = Rect(100, 100, 200, 20)
PHASE_S = 4.0
"""How many updates of each kind there are in a run."""
SETTLE_S = 1.0
FRAMES = 20
"""How many updates there are between two readings of the CPU clock."""


class _Timed(DmabufScanout):
    """Notes how long each update waits for its answer."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.waits_ms: list[float] = []

    def update(self, rect: Rect) -> asyncio.Future[Any]:
        began = time.perf_counter()
        answer = super().update(rect)
        answer.add_done_callback(lambda _: self.waits_ms.append(1000 * (time.perf_counter() - began)))
        return answer


async def run(options: Options) -> Figures:
    """QEMU first, then the parts alone."""
    if mesa.rig() is None:
        raise world.NotInstalled("Mesa's software renderer; run tests/run.sh once as root")
    mesa.load()
    graphics = GraphicsThread("software")
    try:
        return {**await _with_qemu(options, graphics), **await _alone(options, graphics)}
    finally:
        graphics.close()


async def _with_qemu(options: Options, graphics: GraphicsThread) -> Figures:
    kernel = str(world.guests() / "baremetal.elf")
    qemu = Qemu(
        *("-device", "virtio-vga", "-kernel", kernel),
        *("-append", f"nonce=0badcafe mode={WIDTH}x{HEIGHT} run=motion"),
        emulator=str(emulators()[0].path),
        display=f"dbus,p2p=on,gl=on,rendernode={mesa.render_node()}",
        environment=mesa.for_qemu(),
    )
    waits: dict[str, list[float]] = {"unwatched": [], "watched": []}
    rates: dict[str, list[float]] = {"unwatched": [], "watched": []}
    async with qemu:
        framebuffer = Framebuffer()
        listener = Listener(framebuffer, Sink(), graphics)
        timed = listener._dmabufs = _Timed(framebuffer, graphics, on_problem=print, on_shown=lambda: None)
        video = ConsoleVideo(framebuffer)
        display = await Display.open(await qemu.open_display())
        await display.consoles[0].register_listener(listener)
        try:
            await until(lambda: (framebuffer.width, framebuffer.height) == (WIDTH, HEIGHT))
            for number in range(options.runs):
                for name in ("unwatched", "watched"):
                    async with _viewer(video, wanted=name == "watched"):
                        await asyncio.sleep(SETTLE_S)
                        timed.waits_ms = []
                        began = time.perf_counter()
                        await asyncio.sleep(PHASE_S)
                        rates[name].append(len(timed.waits_ms) / (time.perf_counter() - began))
                        waits[name] += timed.waits_ms
                progress(
                    f"gl {number + 1}/{options.runs}: {rates['unwatched'][-1]:.1f} updates/s without a viewer, "
                    f"{rates['watched'][-1]:.1f} with"
                )
        finally:
            await video.close()
            display.close()
            listener.close()
    figures = {f"{name}_reply_ms": Figure.of(values) for name, values in waits.items()}
    return figures | {f"{name}_fps": Figure.of(values, "frames/s") for name, values in rates.items()}


@asynccontextmanager
async def _viewer(video: ConsoleVideo, *, wanted: bool) -> AsyncIterator[None]:
    """A viewer who takes every frame; none where not ``wanted``."""
    if not wanted:
        yield
        return
    track = video.track(VideoFormat.H264_444)

    async def take() -> None:
        with suppress(MediaStreamError):
            while True:
                await track.next_frame()

    task = asyncio.create_task(take())
    try:
        yield
    finally:
        track.stop()
        task.cancel()
        await asyncio.wait([task])


async def _alone(options: Options, graphics: GraphicsThread) -> Figures:
    samples: dict[str, list[float]] = {}
    with Memory(picture(WIDTH, HEIGHT)) as memory:
        card = await _on_card(graphics, partial(_make, memory.scanout()))
        surface = CardSurface(graphics, card)
        ways: dict[str, Callable[[], None]] = {}
        for layout, full_chroma in (("420", False), ("444", True)):
            made = FrameConverter(WIDTH, HEIGHT, full_chroma=full_chroma)
            ways[f"card_{layout}_1080p_ms"] = partial(_by_card, graphics, surface, memory, made, WHOLE)
            ways[f"card_{layout}_200x20_ms"] = partial(_by_card, graphics, surface, memory, made, SMALL)
            ways[f"readpixels_{layout}_1080p_ms"] = partial(_by_readpixels, graphics, card, memory, made)
        for number in range(options.runs):
            for name, way in ways.items():
                taken = await asyncio.to_thread(_cpu_ms, way)
                samples.setdefault(name, []).append(taken)
            progress(f"gl {number + 1}/{options.runs}: {samples['card_444_1080p_ms'][-1]:.1f} ms a picture")
    return {name: Figure.of(values) for name, values in samples.items()}


async def _on_card(graphics: GraphicsThread, job: "Callable[[Context], CardPicture]") -> "CardPicture":
    return await asyncio.wrap_future(graphics.submit(Urgency.QEMU, job))


def _make(dmabuf: Dmabuf, context: "Context") -> "CardPicture":
    from libvirt_webrtc.display.gl.picture import CardPicture

    card = CardPicture(WIDTH, HEIGHT)
    card.take(context, dmabuf)
    dmabuf.close()
    return card


def _by_card(
    graphics: GraphicsThread, surface: CardSurface, memory: Memory, made: FrameConverter, rect: Rect
) -> None:
    """A scanout or, of a part, an update; copied, converted, and read back."""

    def take(context: "Context") -> None:
        if rect == WHOLE:
            dmabuf = memory.scanout()
            surface.card.take(context, dmabuf)
            dmabuf.close()
        surface.card.mark(rect)
        surface.card.refresh(context)

    graphics.submit(Urgency.QEMU, take).result()
    made.convert(surface, [rect])


def _by_readpixels(
    graphics: GraphicsThread, card: "CardPicture", memory: Memory, made: FrameConverter
) -> None:
    pixels = np.empty((HEIGHT, WIDTH, 4), np.uint8)

    def read(context: "Context") -> None:
        import ctypes

        from libvirt_webrtc.display.gl.api import es2

        dmabuf = memory.scanout()
        card.take(context, dmabuf)
        dmabuf.close()
        card.refresh(context)
        es2.glBindFramebuffer(es2.GL_FRAMEBUFFER, card._framebuffer)
        where = ctypes.c_void_p(pixels.ctypes.data)
        es2.glReadPixels(0, 0, WIDTH, HEIGHT, es2.GL_RGBA, es2.GL_UNSIGNED_BYTE, where)

    graphics.submit(Urgency.QEMU, read).result()
    made.convert(pixels, [WHOLE])


def _cpu_ms(way: Callable[[], None]) -> float:
    """Return the CPU time of all threads, for each of a few repetitions."""
    way()
    began = time.process_time()
    for _ in range(FRAMES):
        way()
    return 1000 * (time.process_time() - began) / FRAMES
