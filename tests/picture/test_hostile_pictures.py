"""Sizes, positions, strides and formats that a hostile guest may send: refused, and the picture stays as it was."""

from collections.abc import Callable

import pytest

from libvirt_webrtc.errors import DisplayProtocolError
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import MAX_DIMENSION
from tests.picture.helpers import BGRX, fill

HOSTILE_SIZES = [(0, 1), (1, 0), (-1, 1), (1, -1), (MAX_DIMENSION + 1, 1), (1, MAX_DIMENSION + 1)] + [
    (2**31 - 1, 2**31 - 1),
    (2**32 - 1, 1),
]


@pytest.mark.parametrize(("width", "height"), HOSTILE_SIZES)
def test_hostile_sizes_are_refused_and_change_nothing(width: int, height: int) -> None:
    framebuffer = Framebuffer()
    framebuffer.map(4, 4, 16, BGRX, fill(1, 4, 4))
    damage = framebuffer.subscribe(lambda: None)
    data = bytes(64)
    attempts: list[Callable[[], None]] = [
        lambda: framebuffer.scanout(width, height, 16, BGRX, data),
        lambda: framebuffer.map(width, height, 16, BGRX, data),
        lambda: framebuffer.update(0, 0, width, height, 16, BGRX, data),
        lambda: framebuffer.update_map(0, 0, width, height),
        lambda: framebuffer.resize(width, height),
    ]
    for attempt in attempts:
        with pytest.raises(DisplayProtocolError):
            attempt()
    assert framebuffer.mapped and not damage.take() and (framebuffer.pixels == 1).all()


@pytest.mark.parametrize(
    ("x", "y"),
    [(-1, 0), (0, -1), (MAX_DIMENSION, 0), (0, MAX_DIMENSION - 1), (2**31 - 1, 2**31 - 1), (-(2**31), 0)],
)
def test_hostile_positions_are_refused(x: int, y: int) -> None:
    framebuffer = Framebuffer()
    framebuffer.map(4, 4, 16, BGRX, fill(1, 4, 4))
    with pytest.raises(DisplayProtocolError):
        framebuffer.update(x, y, 2, 2, 8, BGRX, bytes(16))
    with pytest.raises(DisplayProtocolError):
        framebuffer.update_map(x, y, 2, 2)
    assert framebuffer.mapped


@pytest.mark.parametrize("stride", [-16, -1, 0, 15, MAX_DIMENSION * 16 + 1, 2**32 - 1])
def test_hostile_strides_are_refused(stride: int) -> None:
    with pytest.raises(DisplayProtocolError):
        Framebuffer().scanout(4, 4, stride, BGRX, bytes(64))


@pytest.mark.parametrize("kind", [0, -1, 0x20020889, 2**32 - 1])
def test_unknown_formats_are_refused(kind: int) -> None:
    with pytest.raises(DisplayProtocolError, match="is not supported"):
        Framebuffer().scanout(1, 1, 16, kind, bytes(16))


@pytest.mark.parametrize("size", [0, 1, 63])
def test_too_few_bytes_are_refused(size: int) -> None:
    with pytest.raises(DisplayProtocolError, match="too few"):
        Framebuffer().scanout(4, 4, 16, BGRX, bytes(size))


def test_largest_picture_is_taken() -> None:
    framebuffer = Framebuffer()
    framebuffer.scanout(MAX_DIMENSION, 1, MAX_DIMENSION * 4, BGRX, bytes(MAX_DIMENSION * 4))
    assert framebuffer.width == MAX_DIMENSION
