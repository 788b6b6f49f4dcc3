"""What a framebuffer shows: every format against pixman's definition, updates, maps, and pictures handed over."""

import numpy as np
import pytest

from libvirt_webrtc.errors import DisplayProtocolError
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import PixelFormat, Pixels, Rect
from tests.picture.helpers import BGRX, fill, noise

FIELDS = {  # bits per pixel; shift and width of red, green, blue in a little-endian pixel, as pixman.h has them
    PixelFormat.X8R8G8B8: (32, (16, 8), (8, 8), (0, 8)),
    PixelFormat.A8R8G8B8: (32, (16, 8), (8, 8), (0, 8)),
    PixelFormat.X8B8G8R8: (32, (0, 8), (8, 8), (16, 8)),
    PixelFormat.A8B8G8R8: (32, (0, 8), (8, 8), (16, 8)),
    PixelFormat.B8G8R8X8: (32, (8, 8), (16, 8), (24, 8)),
    PixelFormat.B8G8R8A8: (32, (8, 8), (16, 8), (24, 8)),
    PixelFormat.R8G8B8X8: (32, (24, 8), (16, 8), (8, 8)),
    PixelFormat.R8G8B8: (24, (16, 8), (8, 8), (0, 8)),
    PixelFormat.R5G6B5: (16, (11, 5), (5, 6), (0, 5)),
    PixelFormat.X1R5G5B5: (16, (10, 5), (5, 5), (0, 5)),
}


def expected(data: bytes, width: int, height: int, stride: int, kind: PixelFormat) -> Pixels:
    """Blue, green and red, pixel by pixel."""
    bits, *channels = FIELDS[kind]
    size = bits // 8
    out = np.zeros((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            at = y * stride + x * size
            pixel = int.from_bytes(data[at : at + size], "little")
            for index, (shift, width_bits) in enumerate(reversed(channels)):
                value = pixel >> shift & ((1 << width_bits) - 1)
                # A narrow channel is repeated into the low bits: black stays black and white white.
                out[y, x, index] = (value << (8 - width_bits) | value >> (2 * width_bits - 8)) & 0xFF
    return out


def shown(framebuffer: Framebuffer) -> Pixels:
    return framebuffer.pixels[..., :3]


def test_every_format_is_in_the_table() -> None:
    assert set(FIELDS) == set(PixelFormat)
    assert all(kind.bytes_per_pixel * 8 == FIELDS[kind][0] for kind in PixelFormat)


@pytest.mark.parametrize("kind", PixelFormat, ids=lambda kind: kind.name)
@pytest.mark.parametrize("padding", [0, 1, 13])
def test_scanout_update_and_map_show_what_the_format_says(kind: PixelFormat, padding: int) -> None:
    width, height = 17, 5
    stride = width * kind.bytes_per_pixel + padding
    data = noise(width, height, stride)
    reference = expected(data, width, height, stride, kind)

    copied, mapped, updated = Framebuffer(), Framebuffer(), Framebuffer()
    copied.scanout(width, height, stride, kind, data)
    mapped.map(width, height, stride, kind, data)
    updated.scanout(20, 8, 80, BGRX, fill(9, 20, 8))
    updated.update(3, 2, width, height, stride, kind, memoryview(data))

    assert (shown(copied) == reference).all() and (shown(mapped) == reference).all()
    assert (shown(updated)[2:7, 3:20] == reference).all()
    assert (shown(updated)[:2] == 9).all() and (shown(updated)[:, :3] == 9).all()


def test_last_row_may_end_at_its_last_pixel() -> None:
    framebuffer = Framebuffer()
    framebuffer.scanout(3, 2, 16, BGRX, bytes(16 + 12))
    with pytest.raises(DisplayProtocolError):
        framebuffer.scanout(3, 2, 16, BGRX, bytes(16 + 11))


def test_map_is_used_in_place_and_never_written() -> None:
    memory = bytearray(fill(1, 8, 8))
    framebuffer = Framebuffer()
    framebuffer.map(8, 8, 32, BGRX, memory)
    assert framebuffer.mapped
    memory[:] = fill(2, 8, 8)
    framebuffer.update_map(0, 0, 8, 8)
    assert (framebuffer.pixels == 2).all()

    generation = framebuffer.generation
    framebuffer.update(0, 0, 4, 4, 16, BGRX, fill(7, 4, 4))
    assert not framebuffer.mapped and framebuffer.generation > generation
    assert bytes(memory) == fill(2, 8, 8)
    assert (framebuffer.pixels[:4, :4] == 7).all() and (framebuffer.pixels[4:] == 2).all()
    with pytest.raises(DisplayProtocolError, match="without a mapped scanout"):
        framebuffer.update_map(0, 0, 1, 1)


def test_map_of_another_layout_is_converted_where_it_changed() -> None:
    kind = PixelFormat.R5G6B5
    memory = bytearray(noise(8, 8, 16))
    framebuffer = Framebuffer()
    framebuffer.map(8, 8, 16, kind, memory)
    before = shown(framebuffer).copy()
    memory[:] = noise(8, 8, 16, seed=2)
    framebuffer.update_map(2, 3, 4, 2)
    after = expected(bytes(memory), 8, 8, 16, kind)
    assert (shown(framebuffer)[3:5, 2:6] == after[3:5, 2:6]).all()
    assert (shown(framebuffer)[:3] == before[:3]).all() and (shown(framebuffer)[5:] == before[5:]).all()


def test_update_beyond_the_picture_makes_it_grow_and_keeps_what_was_there() -> None:
    framebuffer = Framebuffer()
    framebuffer.scanout(4, 4, 16, BGRX, fill(1, 4, 4))
    framebuffer.update(2, 2, 5, 3, 20, BGRX, fill(2, 5, 3))
    assert (framebuffer.width, framebuffer.height) == (7, 5)
    assert (framebuffer.pixels[:2, :4] == 1).all() and (framebuffer.pixels[2:, 2:] == 2).all()
    assert (framebuffer.pixels[:2, 4:] == 0).all()


def test_update_before_any_scanout_is_a_picture() -> None:
    framebuffer = Framebuffer()
    framebuffer.update(1, 1, 2, 2, 8, BGRX, fill(3, 2, 2))
    assert (framebuffer.width, framebuffer.height, framebuffer.enabled) == (3, 3, True)


def test_resize_keeps_what_fits_and_damages_all() -> None:
    framebuffer = Framebuffer()
    framebuffer.resize(9, 9)
    assert framebuffer.width == 0  # nothing is shown yet
    framebuffer.scanout(4, 4, 16, BGRX, fill(1, 4, 4))
    damage = framebuffer.subscribe(lambda: None)
    framebuffer.resize(6, 2)
    assert framebuffer.pixels.shape == (2, 6, 4)
    assert (framebuffer.pixels[:, :4] == 1).all() and (framebuffer.pixels[:, 4:] == 0).all()
    assert damage.take() == (Rect(0, 0, 6, 2),)
    generation = framebuffer.generation
    framebuffer.resize(6, 2)
    assert framebuffer.generation == generation and not damage.take()


def test_a_picture_that_is_handed_over_is_used_in_place() -> None:
    framebuffer = Framebuffer()
    framebuffer.scanout(4, 4, 16, BGRX, fill(1, 4, 4))
    generation, old = framebuffer.generation, framebuffer.pixels
    data = bytearray(fill(2, 4, 4))
    damage = framebuffer.subscribe(lambda: None)
    framebuffer.update(0, 0, 4, 4, 16, BGRX, data, own=True)
    assert np.shares_memory(framebuffer.pixels, np.frombuffer(data, np.uint8))
    assert damage.take() == (Rect(0, 0, 4, 4),) and framebuffer.generation == generation
    assert (old == 1).all(), "whoever still reads it sees what it was"
    framebuffer.update(1, 1, 1, 1, 4, BGRX, fill(3, 1, 1), own=True)
    assert data[20:24] == b"\3\3\3\3", "a part is copied into it"


def test_what_is_handed_over_in_another_size_or_after_a_map_is_a_new_shape() -> None:
    framebuffer = Framebuffer()
    framebuffer.map(4, 4, 16, BGRX, bytearray(fill(1, 4, 4)))
    generation = framebuffer.generation
    framebuffer.update(0, 0, 4, 4, 16, BGRX, bytearray(fill(2, 4, 4)), own=True)
    assert not framebuffer.mapped and framebuffer.generation == generation + 1
    framebuffer.scanout(2, 3, 12, BGRX, bytearray(36), own=True)
    assert (framebuffer.width, framebuffer.height) == (2, 3) and framebuffer.generation == generation + 2
    assert framebuffer.pixels.shape == (3, 2, 4) and framebuffer.pixels.strides[0] == 12


def test_what_is_handed_over_but_must_be_converted_is_copied() -> None:
    framebuffer = Framebuffer()
    data = bytearray(noise(4, 4, 16))
    framebuffer.scanout(4, 4, 16, PixelFormat.X8B8G8R8, data, own=True)
    wanted = expected(bytes(data), 4, 4, 16, PixelFormat.X8B8G8R8)
    data[:] = bytes(64)
    assert (shown(framebuffer) == wanted).all()


def test_disable_keeps_the_picture_until_something_is_shown() -> None:
    framebuffer = Framebuffer()
    seen: list[bool] = []
    framebuffer.on_shape = lambda: seen.append(framebuffer.enabled)
    framebuffer.scanout(4, 4, 16, BGRX, fill(1, 4, 4))
    framebuffer.disable()
    framebuffer.disable()
    assert not framebuffer.enabled and (framebuffer.pixels == 1).all()
    framebuffer.update(0, 0, 1, 1, 4, BGRX, fill(1, 1, 1))
    assert framebuffer.enabled
    assert seen[-3:] == [True, False, True]
