"""QEMU's picture of a screen that is off, from every QEMU that is here; and what only looks like it."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from libvirt_webrtc.display.display import Display
from libvirt_webrtc.display.listener import Listener
from libvirt_webrtc.picture.blank_screen import is_placeholder
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import PixelFormat, Pixels
from tests.display.sink import Sink
from tests.media.helpers import picture, until
from tests.support.emulators import Emulator
from tests.support.qmp import Qemu


@pytest.fixture
async def off(emulator: Emulator) -> AsyncIterator[Framebuffer]:
    """A virtio-gpu's second output, which nobody has switched on."""
    async with Qemu("-device", "virtio-vga,max_outputs=2", emulator=str(emulator.path)) as qemu:
        display = await Display.open(await qemu.open_display())
        framebuffer = Framebuffer()
        await display.consoles[1].register_listener(Listener(framebuffer, Sink()))
        await until(lambda: framebuffer.width > 0)
        yield framebuffer
        display.close()
        # Lets go of QEMU's memory.
        framebuffer.scanout(1, 1, 4, PixelFormat.X8R8G8B8, bytes(4))


async def test_a_screen_that_is_off_is_known_by_its_picture(off: Framebuffer) -> None:
    await until(lambda: not off.enabled)
    pixels: Pixels = np.array(off.pixels)
    assert is_placeholder(pixels)
    pixels[3, 5] = 1
    assert not is_placeholder(pixels), "something else is there as well"


async def test_a_screen_that_comes_on_is_enabled_again(off: Framebuffer) -> None:
    await until(lambda: not off.enabled)
    shapes: list[bool] = []
    off.on_shape = lambda: shapes.append(off.enabled)
    shown = np.array(off.pixels)
    off.scanout(640, 480, 2560, PixelFormat.X8R8G8B8, picture(640, 480).tobytes())
    assert off.enabled
    off.scanout(640, 480, 2560, PixelFormat.X8R8G8B8, shown.tobytes())
    off.update(0, 0, 640, 480, 2560, PixelFormat.X8R8G8B8, shown.tobytes())
    assert not off.enabled
    off.update(10, 20, 2, 2, 8, PixelFormat.X8R8G8B8, bytes(16 * [255]))
    assert off.enabled and shapes[-3:] == [True, False, True]
    await asyncio.sleep(0)


@pytest.mark.parametrize("size", [(1, 1), (8, 16), (16, 480), (640, 8), (640, 480), (1023, 767)])
def test_pictures_of_any_size_are_none(size: tuple[int, int]) -> None:
    assert not is_placeholder(np.zeros((size[1], size[0], 4), np.uint8))
    assert not is_placeholder(picture(*size))
