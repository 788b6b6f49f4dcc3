"""The guest of the tests with a real QEMU, and a peer for those without."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.console import Console
from libvirt_webrtc.display.display import Display
from libvirt_webrtc.display.listener import Listener
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.display.guest import Guest
from tests.display.peer import FakeQemu
from tests.display.recorder import Recorder
from tests.display.sink import Sink
from tests.support.emulators import Emulator

SOURCE = Path(__file__).with_name("keys_and_modes.s")


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boot")
    subprocess.run(["as", "--32", SOURCE, "-o", folder / "boot.o"], check=True)
    link = ["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "boot.o", "-o", "boot.img"]
    subprocess.run(link, cwd=folder, check=True)
    with open(folder / "boot.img", "r+b") as image:
        image.truncate(1 << 20)
    return folder / "boot.img"


@pytest.fixture
def peer() -> Iterator[FakeQemu]:
    with FakeQemu() as fake:
        yield fake


@pytest.fixture
def null() -> Iterator[int]:
    """A file descriptor to send."""
    fd = os.open("/dev/null", os.O_RDONLY)
    yield fd
    os.close(fd)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def bus(peer: FakeQemu, recorder: Recorder) -> AsyncIterator[Bus]:
    """Authenticated, with the recorder's exports, and ``peer`` at the other end."""
    made = Bus(peer.theirs, exports=recorder.exports(), on_signal=recorder.hear)
    await peer.authenticate()
    await made.authenticated()
    yield made
    made.close()


@pytest.fixture
async def qemu(disk: Path, emulator: Emulator) -> AsyncIterator[Guest]:
    async with Guest(disk, emulator) as running:
        yield running


@pytest.fixture
async def display(qemu: Guest) -> AsyncIterator[Display]:
    opened = await Display.open(await qemu.open_display())
    yield opened
    opened.close()


@pytest.fixture
def console(display: Display) -> Console:
    return display.consoles[0]


@pytest.fixture
async def listener(peer: FakeQemu) -> AsyncIterator[Listener]:
    made = Listener(Framebuffer(), Sink())
    made.attach(peer.theirs)
    await peer.authenticate()
    yield made
    made.close()
