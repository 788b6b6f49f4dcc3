"""What the tests of viewers and consoles share."""

from collections.abc import AsyncIterator, Iterator

import pytest

from libvirt_webrtc.display.display import Display
from libvirt_webrtc.media.aiortc_ext import ice, patches
from libvirt_webrtc.picture.pixels import PixelFormat
from libvirt_webrtc.worker.shared_console import SharedConsole
from libvirt_webrtc.worker.shared_consoles import SharedConsoles
from tests.support.qmp import Qemu
from tests.worker.guest import SETTINGS
from tests.worker.input_viewer import InputViewer
from tests.worker.place import Place
from tests.worker.viewer_client import ViewerClient


@pytest.fixture
def patched_aiortc() -> Iterator[None]:
    patches.install()
    yield
    ice.set_host_addresses(None)


@pytest.fixture
async def place(patched_aiortc: None) -> AsyncIterator[Place]:
    made = Place()
    yield made
    await made.close()


@pytest.fixture
async def viewer(patched_aiortc: None) -> AsyncIterator[ViewerClient]:
    async with ViewerClient() as made:
        yield made


@pytest.fixture
async def qemu() -> AsyncIterator[Qemu]:
    async with Qemu("-device", "VGA") as running:
        yield running


@pytest.fixture
async def display(qemu: Qemu) -> AsyncIterator[Display]:
    opened = await Display.open(await qemu.open_display())
    yield opened
    opened.close()


@pytest.fixture
def ended() -> list[str]:
    """The names of the viewers that ``shared_consoles`` reported as ended."""
    return []


@pytest.fixture
async def shared_consoles(
    patched_aiortc: None, display: Display, ended: list[str]
) -> AsyncIterator[SharedConsoles]:
    made = SharedConsoles(
        SETTINGS, on_change=lambda: None, on_viewer_ended=lambda viewer, _: ended.append(viewer)
    )
    made.match(display.consoles)
    yield made
    await made.close()
    # Lets go of QEMU's memory, which pytest's references to the console would keep mapped.
    made.find(0).framebuffer.scanout(1, 1, 4, PixelFormat.X8R8G8B8, bytes(4))


@pytest.fixture
def shared(shared_consoles: SharedConsoles) -> SharedConsole:
    return shared_consoles.find(0)


@pytest.fixture
async def input_viewer() -> AsyncIterator[InputViewer]:
    made = InputViewer()
    yield made
    made.display.gate.set()
    await made.channel.close()
