"""comparison.py and reading.py on pictures that went through real encoders, and on wrong ones."""

from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import pytest

from examples.guests.blocks import Key
from examples.guests.comparison import compare
from examples.guests.layout import Layout, Pointer, Rgb
from examples.guests.picture import expected
from examples.guests.reading import read_key_count, read_keys, read_nonce, read_patch, read_pointer

NONCE = 0xCAFE1234
SIZES = [(800, 600), (1280, 800), (1920, 1080)]
KEYS = [Key(0x1E, True), Key(0xCD, True), Key(0xCD, False)] * 7
POINTER = Pointer(300, 200, 0b101, -3)

ENCODERS = {
    "libx264": ("h264", {"preset": "ultrafast", "tune": "zerolatency"}),
    "libvpx": ("vp8", {"deadline": "realtime", "cpu-used": "8"}),
}


def through(encoder: str, picture: Rgb, bit_rate: int, frames: int = 6) -> list[Rgb]:
    """The picture after encoding it some times in a row as 4:2:0 video, and decoding."""
    decoder, options = ENCODERS[encoder]
    height, width = picture.shape[:2]
    into = av.CodecContext.create(encoder, "w")
    assert isinstance(into, av.VideoCodecContext)
    into.width, into.height, into.pix_fmt = width, height, "yuv420p"
    into.bit_rate, into.framerate, into.time_base = bit_rate, Fraction(30), Fraction(1, 30)
    into.options = options
    out = av.CodecContext.create(decoder, "r")
    assert isinstance(out, av.VideoCodecContext)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24").reformat(format="yuv420p")
    decoded = []
    for pts in range(frames):
        frame.pts = pts
        for packet in into.encode(frame):
            decoded += out.decode(packet)
    for packet in into.encode(None):
        decoded += out.decode(packet)
    decoded += out.decode(None)
    return [each.to_ndarray(format="rgb24").astype(np.uint8) for each in decoded]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_an_encoded_picture_is_recognised(encoder: str, size: tuple[int, int]) -> None:
    frames = through(encoder, expected(*size, NONCE, keys=KEYS, pointer=POINTER), 2_000_000)
    assert compare(frames[0], NONCE).ok
    assert compare(frames[-1], NONCE).ok


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_codes_are_read_at_a_poor_bit_rate(encoder: str, size: tuple[int, int]) -> None:
    first = through(encoder, expected(*size, NONCE, keys=KEYS, pointer=POINTER), 300_000, frames=1)[0]
    assert read_nonce(first) == NONCE
    assert read_keys(first) == KEYS[-16:]
    assert read_key_count(first) == len(KEYS)
    assert read_patch(first) is (sum(key.down for key in KEYS) % 2 == 1)
    assert read_pointer(first) == POINTER


def test_codes_are_read_from_a_scaled_frame() -> None:
    whole = expected(1920, 1080, NONCE, keys=KEYS, pointer=POINTER).astype(np.uint16)
    half = ((whole[::2, ::2] + whole[1::2, ::2] + whole[::2, 1::2] + whole[1::2, 1::2]) // 4).astype(np.uint8)
    assert read_nonce(half, size=(1920, 1080)) == NONCE
    assert read_keys(half, size=(1920, 1080)) == KEYS[-16:]
    assert read_pointer(half, size=(1920, 1080)) == POINTER


def stale_rectangle(picture: Rgb) -> Rgb:
    wrong = picture.copy()
    wrong[100:132, 100:132] = wrong[300:332, 100:132]
    return wrong


def limited_range(picture: Rgb) -> Rgb:
    return (16 + picture * (219 / 255)).astype(np.uint8)


def other_matrix(picture: Rgb) -> Rgb:
    """BT.601 read as BT.709."""
    y, u, v = (
        picture @ np.array(row)
        for row in ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))
    )
    wrong = np.stack([y + 1.575 * v, y - 0.187 * u - 0.468 * v, y + 1.856 * u], axis=2)
    clipped: Rgb = np.clip(wrong, 0, 255).astype(np.uint8)
    return clipped


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda p: np.roll(p, 1, axis=1), id="a pixel to the right"),
        pytest.param(lambda p: np.roll(p, 1, axis=0), id="a pixel down"),
        pytest.param(lambda p: np.roll(p, 16, axis=1), id="a cell to the right"),
        pytest.param(lambda p: p[::-1], id="upside down"),
        pytest.param(lambda p: p[:, ::-1], id="mirrored"),
        pytest.param(lambda p: p[..., ::-1], id="red and blue swapped"),
        pytest.param(lambda p: p.mean(axis=2, keepdims=True).repeat(3, axis=2).astype(np.uint8), id="grey"),
        pytest.param(limited_range, id="limited range"),
        pytest.param(other_matrix, id="wrong matrix"),
        pytest.param(stale_rectangle, id="an old rectangle"),
        pytest.param(np.zeros_like, id="black"),
        pytest.param(lambda p: p[:599], id="cut below the least size"),
    ],
)
def test_a_wrong_picture_is_not_accepted(wrong: Callable[[Rgb], Rgb], size: tuple[int, int]) -> None:
    assert not compare(np.ascontiguousarray(wrong(expected(*size, NONCE))), NONCE).ok


def test_another_guest_is_not_accepted() -> None:
    comparison = compare(expected(1280, 800, NONCE ^ 1), NONCE)
    assert not comparison.nonce_ok
    assert not comparison.ok


def test_what_moves_is_not_compared() -> None:
    picture = expected(1280, 800, NONCE, keys=KEYS, pointer=POINTER)
    picture[Layout(1280, 800).stage.slices] = 200
    assert compare(picture, NONCE).ok
    assert not compare(picture, NONCE, moving="nothing").ok


def test_noise_reads_as_nothing() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (800, 1280, 3), np.uint8)
    assert read_nonce(noise) is None
    assert read_keys(noise) is None
    assert read_pointer(noise) is None
