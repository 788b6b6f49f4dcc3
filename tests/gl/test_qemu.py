"""Real QEMUs with gl=on, drawing in software, through the whole of the display package; every pixel is compared."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from libvirt_webrtc.display.display import Display
from libvirt_webrtc.display.gl.thread import GraphicsThread
from libvirt_webrtc.display.listener import Listener, ScanoutMode
from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import Rect
from tests.display.sink import Sink
from tests.gl.boot import HEIGHT, MOVING, WIDTH, painted, sector
from tests.gl.converting import furthest, in_memory, planes
from tests.media.helpers import until
from tests.support import mesa
from tests.support.emulators import Emulator
from tests.support.qmp import DEADLINE_S, PATIENCE, Qemu

DEVICES = ["virtio-vga", "virtio-vga-gl", "VGA"]


class Watched:
    """A console of a QEMU, watched as a viewer's rendition does."""

    def __init__(self, graphics: GraphicsThread) -> None:
        self.framebuffer = Framebuffer()
        self.sink = Sink()
        self.listener = Listener(self.framebuffer, self.sink, graphics)
        self.changed = asyncio.Event()
        self.damage = self.framebuffer.subscribe(self._changed)

    def _changed(self) -> None:
        self.damage.take()
        self.changed.set()

    async def wait(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def distance(self, layout: tuple[bool, bool]) -> int:
        """How far the planes of its picture are from those of the painted one, where that does not move."""
        framebuffer = self.framebuffer
        if (framebuffer.width, framebuffer.height) != (WIDTH, HEIGHT):
            return 255
        made = FrameConverter(WIDTH, HEIGHT, full_chroma=layout[0], scale=2 if layout[1] else 1)
        await asyncio.to_thread(made.convert, framebuffer.picture, [Rect(0, 0, WIDTH, HEIGHT)])
        got, want = planes(made), in_memory(painted(), layout)
        for one, other in zip(got, want, strict=True):
            one[:2, :MOVING] = other[:2, :MOVING]
        return furthest(got, want)


@asynccontextmanager
async def watching(qemu: Qemu, graphics: GraphicsThread) -> AsyncIterator[Watched]:
    display = await Display.open(await qemu.open_display())
    watched = Watched(graphics)
    try:
        await display.consoles[0].register_listener(watched.listener)
        yield watched
    finally:
        display.close()


def gl_qemu(emulator: Emulator, disk: Path, device: str, *, shim: bool = True) -> Qemu:
    return Qemu(
        *("-device", device, "-drive", f"file={disk},format=raw,if=ide,snapshot=on"),
        emulator=str(emulator.path),
        display=f"dbus,p2p=on,gl=on,rendernode={mesa.render_node()}",
        environment=mesa.for_qemu() if shim else mesa.environment(),
    )


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    file = tmp_path / "disk"
    file.write_bytes(sector(moving=True))
    return file


@pytest.mark.parametrize("device", DEVICES)
async def test_every_pixel_arrives(
    graphics: GraphicsThread, emulator: Emulator, disk: Path, device: str
) -> None:
    async with gl_qemu(emulator, disk, device) as qemu, watching(qemu, graphics) as watched:
        async with asyncio.timeout(DEADLINE_S):
            while await watched.distance((True, False)) > 1:
                watched.changed.clear()
                await watched.changed.wait()
        assert watched.listener.mode is ScanoutMode.DMABUF
        for layout in ((False, False), (False, True), (True, True)):
            assert await watched.distance(layout) <= 1
        assert watched.sink.problems == []
        # The picture is a live one, and QEMU does not wait for us.
        surface = watched.framebuffer.surface
        assert surface is not None
        made = FrameConverter(WIDTH, HEIGHT, full_chroma=True)
        seen: set[bytes] = set()
        async with asyncio.timeout(DEADLINE_S):
            while len(seen) < 5:
                await watched.wait(lambda: True)
                await asyncio.to_thread(made.convert, watched.framebuffer.picture, [Rect(0, 0, MOVING, 2)])
                seen.add(planes(made)[0][0, : MOVING // 2].tobytes())
                watched.changed.clear()
                await watched.changed.wait()
        assert await qemu.latency() < 0.5 * PATIENCE


async def test_without_udmabuf_it_says_so_and_goes_on(
    graphics: GraphicsThread, emulator: Emulator, disk: Path
) -> None:
    """QEMU then hands no picture over, and asks all the same that its updates be answered."""
    async with gl_qemu(emulator, disk, "virtio-vga", shim=False) as qemu:
        async with watching(qemu, graphics) as watched:
            await until(lambda: bool(watched.sink.problems))
            assert "udmabuf" in watched.sink.problems[0] and len(watched.sink.problems) == 1
            assert await qemu.latency() < 0.5
            assert watched.framebuffer.width == 0 and not watched.listener.closed


def test_the_painted_picture_is_nowhere_alike() -> None:
    pixels = painted()
    assert np.ptp(pixels[..., :3].astype(int), axis=(0, 1)).min() == 255
    assert (pixels != pixels[::-1]).any(axis=(1, 2)).all()
