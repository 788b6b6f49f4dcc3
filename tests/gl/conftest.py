"""Fixtures for OpenGL in software."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from libvirt_webrtc.display.gl.thread import GraphicsThread, Urgency
from libvirt_webrtc.picture.pixels import Rect
from libvirt_webrtc.picture.surface import PlaneLayout
from tests.display.peer import FakeQemu
from tests.gl.guest import HEIGHT, WIDTH, Guest
from tests.gl.memory import Memory, picture
from tests.support import mesa

if TYPE_CHECKING:
    from libvirt_webrtc.display.gl.context import Context


@pytest.fixture(scope="session")
def software() -> None:
    """This process can import DMA-BUFs in software."""
    if mesa.rig() is None:
        pytest.skip("needs Mesa's software renderer: run tests/run.sh as root")
    mesa.load()


@pytest.fixture(scope="session")
def graphics_of_all(software: None) -> Iterator[GraphicsThread]:
    """Begun before the first test: a driver takes its time, and opens files of its own."""
    thread = GraphicsThread(mesa.reader())
    thread.submit(Urgency.QEMU, _draw_something_else).result()
    yield thread
    thread.close()


@pytest.fixture
def graphics(graphics_of_all: GraphicsThread) -> Iterator[GraphicsThread]:
    """With nothing of QEMU's at the end."""
    yield graphics_of_all
    graphics_of_all.submit(Urgency.QEMU, _draw_something_else).result()


def _draw_something_else(context: "Context") -> None:
    """A driver holds what it drew from until then."""
    from libvirt_webrtc.display.gl.picture import CardPicture

    card, planes = CardPicture(8, 8), [np.zeros((8, 8), np.uint8) for _ in range(3)]
    for _ in range(4):
        card.read(context, PlaneLayout(True, True, 1), planes, [Rect(0, 0, 8, 8)])
    card.close()


@pytest.fixture
def own_graphics(graphics_of_all: GraphicsThread) -> Iterator[GraphicsThread]:
    """For a test that ends or blocks it; the driver has opened its own files before."""
    thread = GraphicsThread("software")
    yield thread
    thread.close()


@pytest.fixture
def peer() -> Iterator[FakeQemu]:
    with FakeQemu() as fake:
        yield fake


@pytest.fixture
async def guest(peer: FakeQemu, graphics: GraphicsThread) -> AsyncIterator[Guest]:
    made = Guest(peer, graphics)
    made.listener.attach(peer.theirs)
    await peer.authenticate()
    yield made
    made.listener.close()


@pytest.fixture
def memory() -> Iterator[Memory]:
    with Memory(picture(WIDTH, HEIGHT)) as made:
        yield made


@pytest.fixture
async def own_guest(peer: FakeQemu, own_graphics: GraphicsThread) -> AsyncIterator[Guest]:
    """As ``guest``, for a test that ends or blocks its OpenGL."""
    made = Guest(peer, own_graphics)
    made.listener.attach(peer.theirs)
    await peer.authenticate()
    yield made
    made.listener.close()
