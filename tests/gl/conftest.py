"""Fixtures for OpenGL in software."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from libvirt_webrtc.display.gl.thread import GraphicsThread, Urgency
from libvirt_webrtc.picture.pixels import Rect
from libvirt_webrtc.picture.surface import PlaneLayout
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
        card.read(context, PlaneLayout(True, True, False), planes, [Rect(0, 0, 8, 8)])
    card.close()


@pytest.fixture
def own_graphics(software: None) -> Iterator[GraphicsThread]:
    """For a test that ends it."""
    thread = GraphicsThread("software")
    yield thread
    thread.close()
