"""A pointer's shape, position and colours, whatever the guest's driver says."""

from typing import Any

import numpy as np
import pytest

from libvirt_webrtc.display.cursor import straight_rgba
from libvirt_webrtc.display.listener import Listener
from tests.display.peer import FakeQemu
from tests.display.sink import Sink

NO_CURSOR = (0, 0, 0, 0, b"")


async def defined(peer: FakeQemu, listener: Listener, *body: Any) -> list[tuple[int, int, int, int, bytes]]:
    """What the sink is told of this ``CursorDefine``."""
    await peer.send(peer.message("CursorDefine", "iiiiay", *body))
    await peer.settle()
    assert isinstance(listener.sink, Sink)
    return listener.sink.cursors


async def test_shape_and_position_reach_the_sink(peer: FakeQemu, listener: Listener) -> None:
    pixels = np.arange(16, dtype=np.uint8).tobytes()
    assert await defined(peer, listener, 2, 2, 1, 0, pixels) == [(2, 2, 1, 0, pixels)]
    for x, y in ((-3, 5), (2**31 - 1, -(2**31))):
        await peer.send(peer.message("MouseSet", "iii", x, y, 1))
    await peer.settle()
    assert isinstance(listener.sink, Sink)
    assert listener.sink.moves == [(-3, 5, True), (2**31 - 1, -(2**31), True)]


@pytest.mark.parametrize(
    ("hot", "clamped"),
    [((2, 0), (1, 0)), ((-1, -7), (0, 0)), ((0, 2**31 - 1), (0, 2)), ((-(2**31), 1), (0, 1))],
)
async def test_a_hot_spot_outside_is_clamped(
    hot: tuple[int, int], clamped: tuple[int, int], peer: FakeQemu, listener: Listener
) -> None:
    assert await defined(peer, listener, 2, 3, *hot, bytes(24)) == [(2, 3, *clamped, bytes(24))]
    assert listener.bus is not None and listener.bus.rejected == 0


async def test_the_largest_cursor_passes(peer: FakeQemu, listener: Listener) -> None:
    (shape,) = await defined(peer, listener, 512, 512, 0, 0, bytes(512 * 512 * 4))
    assert shape[:2] == (512, 512)


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
async def test_an_empty_cursor_is_none(size: tuple[int, int], peer: FakeQemu, listener: Listener) -> None:
    assert await defined(peer, listener, *size, 0, 0, b"") == [NO_CURSOR]
    assert listener.bus is not None and listener.bus.rejected == 0


@pytest.mark.parametrize(
    "body",
    [
        (2, 2, 0, 0, bytes(15)),
        (513, 1, 0, 0, bytes(2052)),
        (1, 513, 0, 0, bytes(2052)),
        (-1, -4, 0, 0, bytes(16)),
        (0, 4, 0, 0, bytes(16)),
    ],
)
async def test_a_cursor_that_cannot_be_shown_takes_the_old_one_away(
    body: tuple[Any, ...], peer: FakeQemu, listener: Listener
) -> None:
    await defined(peer, listener, 1, 1, 0, 0, bytes(4))
    assert (await defined(peer, listener, *body))[1:] == [NO_CURSOR]
    assert listener.bus is not None and listener.bus.rejected == 1 and not listener.closed


def test_colours_that_were_multiplied_by_alpha_are_divided() -> None:
    bgra = bytes((0, 64, 128, 128)) + bytes((10, 20, 30, 255)) + bytes(4)
    assert straight_rgba(bgra) == bytes((255, 128, 0, 128)) + bytes((30, 20, 10, 255)) + bytes(4)


def test_a_colour_brighter_than_its_alpha_was_not_multiplied() -> None:
    bgra = bytes((255, 255, 255, 128)) + bytes((0, 0, 40, 64))
    assert straight_rgba(bgra) == bytes((255, 255, 255, 128)) + bytes((40, 0, 0, 64))


def test_a_mask_of_two_colours_stays_as_it_is() -> None:
    bgra = bytes((255, 255, 255, 255)) + bytes((0, 0, 0, 255)) + bytes((7, 8, 9, 0))
    assert straight_rgba(bgra) == bytes((255, 255, 255, 255)) + bytes((0, 0, 0, 255)) + bytes((9, 8, 7, 0))


def test_a_cursor_without_pixels_has_no_colours() -> None:
    assert straight_rgba(b"") == b""
