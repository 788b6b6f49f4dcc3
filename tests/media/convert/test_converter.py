"""Colour conversion against the textbook, and damage against whole pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from libvirt_webrtc.media.convert.converter import FrameConverter, encoded_size
from libvirt_webrtc.media.convert.yuv import Backend, LibyuvBackend, PyavBackend, default_backend, plane_view
from libvirt_webrtc.picture.pixels import Pixels, Rect
from tests.media.helpers import noise, picture

SIZES = [(1, 1), (2, 2), (3, 5), (17, 16), (64, 33), (127, 61), (320, 240)]


def planes(converter: FrameConverter) -> list[Pixels]:
    return [plane_view(plane).copy() for plane in converter.frame.planes]


def whole(pixels: Pixels, *, scale: int = 1, backend: Backend | None = None) -> list[Pixels]:
    height, width = pixels.shape[:2]
    converter = FrameConverter(width, height, scale=scale, backend=backend)
    converter.convert(pixels, [Rect(0, 0, width, height)])
    return planes(converter)


def bt601(pixels: Pixels) -> list[npt.NDArray[np.float64]]:
    """Limited range BT.601 of B, G, R, X, chroma as the mean of each four pixels; the edges repeated to even."""
    rows, columns = pixels.shape[0] % 2, pixels.shape[1] % 2
    even = np.pad(pixels, ((0, rows), (0, columns), (0, 0)), mode="edge").astype(np.float64)
    blue, green, red = even[..., 0], even[..., 1], even[..., 2]
    luma = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
    u = 128 + (-37.797 * red - 74.203 * green + 112 * blue) / 255
    v = 128 + (112 * red - 93.786 * green - 18.214 * blue) / 255

    def mean(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        quads = plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2)
        return np.asarray(quads.mean(axis=(1, 3)))

    return [luma, mean(u), mean(v)]


def largest_error(one: list[Pixels], other: Sequence[npt.NDArray[Any]]) -> float:
    assert [plane.shape for plane in one] == [plane.shape for plane in other]
    return max(float(np.abs(a.astype(np.float64) - b).max()) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_libyuv_is_bt601(width: int, height: int) -> None:
    pixels = noise(width, height)
    assert largest_error(whole(pixels, backend=LibyuvBackend()), bt601(pixels)) <= 2


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_fallback_is_bt601(width: int, height: int) -> None:
    pixels = noise(width, height)
    assert largest_error(whole(pixels, backend=PyavBackend()), bt601(pixels)) <= 2


def test_plain_colours_are_the_same_with_both() -> None:
    for colour in ((0, 0, 0), (255, 255, 255), (0, 0, 255), (0, 255, 0), (255, 0, 0), (12, 130, 200)):
        pixels = np.zeros((16, 16, 4), np.uint8)
        pixels[..., :3] = colour
        assert (
            largest_error(whole(pixels, backend=LibyuvBackend()), whole(pixels, backend=PyavBackend())) <= 2
        )


@pytest.mark.parametrize("backend", [LibyuvBackend(), PyavBackend()], ids=lambda backend: backend.name)
@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_damage_gives_what_the_whole_picture_gives(
    width: int, height: int, scale: int, backend: Backend
) -> None:
    random = np.random.default_rng(7)
    pixels = picture(width, height)
    converter = FrameConverter(width, height, scale=scale, backend=backend)
    converter.convert(pixels, [Rect(0, 0, width, height)])
    for _ in range(20):
        x, y = int(random.integers(width)), int(random.integers(height))
        rect = Rect(x, y, int(random.integers(1, width - x + 1)), int(random.integers(1, height - y + 1)))
        colour = random.integers(0, 256, 4, np.uint8)
        pixels[rect.y : rect.bottom, rect.x : rect.right] = colour
        converter.convert(pixels, [rect])
    expected = whole(pixels, scale=scale, backend=backend)
    # Vector and scalar code, at the ends of rows, round differently.
    assert largest_error(planes(converter), expected) <= 1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (5, 3), (64, 48), (65, 47)])
def test_downsampling_is_the_mean_of_four(width: int, height: int) -> None:
    pixels = noise(width, height)
    padding = ((0, -height % 4), (0, -width % 4), (0, 0))
    even = np.pad(pixels, padding, mode="edge").astype(np.float64)
    rows, columns = even.shape[:2]
    half = even.reshape(rows // 2, 2, columns // 2, 2, 4).mean(axis=(1, 3)).round().astype(np.uint8)
    for backend in (LibyuvBackend(), PyavBackend()):
        made = backend.halve(even.astype(np.uint8))
        assert np.abs(made.astype(int) - half).max() <= 1
    assert largest_error(whole(pixels, scale=2, backend=LibyuvBackend()), bt601(half)) <= 3


def test_a_quarter_of_the_size_is_the_mean_of_sixteen() -> None:
    pixels = noise(67, 45)
    even = np.pad(pixels, ((0, -45 % 8), (0, -67 % 8), (0, 0)), mode="edge").astype(np.float64)
    quarter = even.reshape(48 // 4, 4, 72 // 4, 4, 4).mean(axis=(1, 3)).round().astype(np.uint8)
    for backend in (LibyuvBackend(), PyavBackend()):
        assert largest_error(whole(pixels, scale=4, backend=backend), bt601(quarter)) <= 4


def test_strided_source_is_read_in_place() -> None:
    memory = noise(100, 40)
    view = memory[3:33, 7:71]
    assert largest_error(whole(view), whole(view.copy())) == 0


def test_encoded_size_is_even() -> None:
    assert encoded_size(1, 1) == (2, 2)
    assert encoded_size(1366, 768) == (1366, 768)
    assert encoded_size(1365, 767) == (1366, 768)
    assert encoded_size(1366, 768, 2) == (684, 384)
    assert encoded_size(8191, 8192, 4) == (2048, 2048)
    assert encoded_size(8192, 8192) == (8192, 8192)


def test_libyuv_is_taken_where_it_is_installed() -> None:
    assert default_backend().name == "libyuv"
    assert default_backend() is default_backend()
