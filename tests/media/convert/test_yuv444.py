"""4:4:4 conversion against the textbook, in the range that each library says it makes."""

import numpy as np
import numpy.typing as npt
import pytest

from libvirt_webrtc.media.convert.converter import FULL_RANGE, LIMITED_RANGE, FrameConverter
from libvirt_webrtc.media.convert.yuv import plane_view
from libvirt_webrtc.media.convert.yuv444 import (
    FullChromaBackend,
    LibyuvFullChromaBackend,
    PyavFullChromaBackend,
    TurboJpegBackend,
    new_full_chroma_backend,
)
from libvirt_webrtc.picture.pixels import Pixels, Rect
from tests.media.helpers import noise

SIZES = [(1, 1), (3, 5), (17, 16), (127, 61), (320, 240)]
BACKENDS = [TurboJpegBackend, LibyuvFullChromaBackend, PyavFullChromaBackend]
LARGEST_ERROR = {"libjpeg-turbo": 0.51, "libyuv": 2, "PyAV": 2}


def bt601(pixels: Pixels, *, full_range: bool) -> npt.NDArray[np.float64]:
    """The three planes of B, G, R, X; edges repeated to even sizes."""
    rows, columns = pixels.shape[0] % 2, pixels.shape[1] % 2
    even = np.pad(pixels, ((0, rows), (0, columns), (0, 0)), mode="edge").astype(np.float64)
    blue, green, red = even[..., 0], even[..., 1], even[..., 2]
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    u, v = (blue - luma) / 1.772, (red - luma) / 1.402
    luma_scale, chroma_scale, black = (1.0, 1.0, 0) if full_range else (219 / 255, 224 / 255, 16)
    return np.stack([luma * luma_scale + black, u * chroma_scale + 128, v * chroma_scale + 128]).clip(0, 255)


def planes(converter: FrameConverter) -> npt.NDArray[np.float64]:
    return np.stack([plane_view(plane) for plane in converter.frame.planes]).astype(np.float64)


def converter_of(width: int, height: int, backend: FullChromaBackend) -> FrameConverter:
    return FrameConverter(width, height, full_chroma=True, full_chroma_backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_planes_are_bt601(width: int, height: int, backend: type[FullChromaBackend]) -> None:
    pixels = noise(width, height)
    converter = converter_of(width, height, backend())
    converter.convert(pixels, [Rect(0, 0, width, height)])
    expected = bt601(pixels, full_range=backend.full_range)
    assert np.abs(planes(converter) - expected).max() <= LARGEST_ERROR[backend.name]
    assert converter.frame.color_range == (FULL_RANGE if backend.full_range else LIMITED_RANGE)


@pytest.mark.parametrize("backend", BACKENDS)
def test_damage_gives_what_the_whole_picture_gives(backend: type[FullChromaBackend]) -> None:
    random = np.random.default_rng(5)
    width, height = 127, 61
    pixels = noise(width, height)
    converter = converter_of(width, height, backend())
    converter.convert(pixels, [Rect(0, 0, width, height)])
    for _ in range(20):
        x, y = int(random.integers(width)), int(random.integers(height))
        rect = Rect(x, y, int(random.integers(1, width - x + 1)), int(random.integers(1, height - y + 1)))
        pixels[rect.y : rect.bottom, rect.x : rect.right] = random.integers(0, 256, 4, np.uint8)
        converter.convert(pixels, [rect])
    whole = converter_of(width, height, backend())
    whole.convert(pixels, [Rect(0, 0, width, height)])
    # Vector and scalar code, at the ends of rows, round differently.
    assert np.abs(planes(converter) - planes(whole)).max() <= 1


def test_strided_source_is_read_in_place() -> None:
    view = noise(100, 40)[3:33, 7:71]
    one, other = converter_of(64, 30, TurboJpegBackend()), converter_of(64, 30, TurboJpegBackend())
    one.convert(view, [Rect(0, 0, 64, 30)])
    other.convert(view.copy(), [Rect(0, 0, 64, 30)])
    assert np.array_equal(planes(one), planes(other))


def test_full_range_is_taken_where_it_can_be_had() -> None:
    assert new_full_chroma_backend().name == "libjpeg-turbo"
    assert new_full_chroma_backend() is not new_full_chroma_backend()
