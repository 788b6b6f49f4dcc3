"""Frames cut into payloads: the headers by the letter of each format, and the pieces put together again decoded."""

import random
from dataclasses import replace

import pytest

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media import packetize_av1, packetize_vp9
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.media.packetize import MAX_PAYLOAD_BYTES, Packetizer
from tests.media.helpers import Decoder, picture, psnr
from tests.media.test_encoder import Source

VP9_KEY = bytes.fromhex("82 49 83 42 20 27 f0 1d f6 00 00") + bytes(range(89))
"""Profile 0, 640 x 480: RFC 9628 needs no more of it."""
VP9_INTER = bytes.fromhex("86 00 40 92 88") + bytes(45)


def test_vp9_keyframe_begins_with_its_size() -> None:
    """RFC 9628, section 4.2: I, F, B and V; a picture ID of 15 bits; N_S=0 with Y=1, then width and height."""
    first, last = packetize_vp9.cut(VP9_KEY, 0x1234, 70)
    assert first[:8] == bytes((0b1001_1010, 0x92, 0x34, 0x10)) + bytes((0x02, 0x80, 0x01, 0xE0))
    assert last[:3] == bytes((0b1001_0100, 0x92, 0x34))
    assert (len(first), first[8:] + last[3:]) == (70, VP9_KEY)


def test_vp9_inter_picture_refers_to_the_one_before() -> None:
    """P is set, and the list of references is one P_DIFF of 1 without N."""
    first, middle, last = packetize_vp9.cut(VP9_INTER, 5, 24)
    assert first[:4] == bytes((0b1101_1000, 0x80, 0x05, 0x02))
    assert middle[:4] == bytes((0b1101_0000, 0x80, 0x05, 0x02))
    assert last[:4] == bytes((0b1101_0100, 0x80, 0x05, 0x02))
    assert first[4:] + middle[4:] + last[4:] == VP9_INTER


def test_vp9_picture_in_one_packet_begins_and_ends_there() -> None:
    (only,) = packetize_vp9.cut(VP9_INTER, 0, 1200)
    assert only[0] == 0b1101_1100


@pytest.mark.parametrize("data", [b"", b"\x82", b"\x00" * 20, b"\xff" * 20])
def test_what_is_not_vp9_is_a_media_error(data: bytes) -> None:
    with pytest.raises(MediaError):
        packetize_vp9.cut(data, 0, 1200)


def unit(kind: int, body: bytes, *, layer: int | None = None) -> bytes:
    """An open bitstream unit with its size."""
    extension = b"" if layer is None else bytes((layer,))
    size = bytes((len(body) % 128 | 128, len(body) // 128))
    return bytes((kind << 3 | (4 if extension else 0) | 2,)) + extension + size + body


DELIMITER, SEQUENCE, FRAME, PADDING = (
    unit(2, b""),
    unit(1, b"SEQUENCE"),
    unit(6, b"F" * 300),
    unit(15, b"p"),
)


def test_av1_keyframe_in_one_packet() -> None:
    """Two elements (W=2) of a new sequence (N), the last without a length; no delimiter, no padding, no sizes."""
    (payload,) = packetize_av1.cut(DELIMITER + SEQUENCE + FRAME + PADDING, 1200)
    assert payload == bytes((0b0010_1000, 9, 1 << 3)) + b"SEQUENCE" + bytes((6 << 3,)) + b"F" * 300


def test_av1_frame_over_several_packets() -> None:
    """Z where an element goes on, Y where it will."""
    first, second, third = packetize_av1.cut(DELIMITER + SEQUENCE + FRAME, 120)
    assert [payload[0] for payload in (first, second, third)] == [0b0110_1000, 0b1101_0000, 0b1001_0000]
    assert first[1:11] == b"\x09\x08SEQUENCE"
    assert first[11:] + second[1:] + third[1:] == bytes((6 << 3,)) + b"F" * 300
    assert max(map(len, (first, second, third))) <= 120


def test_av1_inter_frame_starts_no_sequence() -> None:
    (payload,) = packetize_av1.cut(DELIMITER + FRAME, 1200)
    assert payload[0] == 0b0001_0000


def test_av1_fourth_element_goes_into_a_packet_of_its_own() -> None:
    first, second = packetize_av1.cut(b"".join(unit(4, bytes((n,))) for n in range(4)), 1200)
    assert first == bytes((0b0011_0000, 2, 4 << 3, 0, 2, 4 << 3, 1, 4 << 3, 2))
    assert second == bytes((0b0001_0000, 4 << 3, 3))


def test_av1_long_elements_have_lengths_of_two_bytes_and_extensions_stay() -> None:
    (payload,) = packetize_av1.cut(unit(4, b"x" * 200, layer=0x20) + unit(4, b"y"), 1200)
    assert (
        payload == bytes((0b0010_0000, 0xCA, 0x01, 4 << 3 | 4, 0x20)) + b"x" * 200 + bytes((4 << 3,)) + b"y"
    )


@pytest.mark.parametrize("data", [b"\x30xyz", b"\x32\x05ab", b"\x32" + b"\xff" * 9, b"\x32"])
def test_what_is_not_av1_is_a_media_error(data: bytes) -> None:
    with pytest.raises(MediaError):
        packetize_av1.cut(data, 1200)


def rebuilt(format_: VideoFormat, payloads: tuple[bytes, ...]) -> bytes:
    """What a receiver gives to its decoder."""
    if format_ is VideoFormat.VP9:
        return b"".join(map(without_vp9_descriptor, payloads))
    units: list[bytes] = []
    for payload in payloads:
        header, rest = payload[0], payload[1:]
        count = header >> 4 & 3
        for index in range(count):
            element, rest = (rest, b"") if index == count - 1 else split_element(rest)
            if index == 0 and header & 0x80:
                units[-1] += element
            else:
                units.append(element)
    return b"\x12\x00" + b"".join(with_size(element) for element in units)


def without_vp9_descriptor(payload: bytes) -> bytes:
    flags = payload[0]
    return payload[3 + bool(flags & 0x40) + (5 if flags & 0x02 else 0) :]


def split_element(data: bytes) -> tuple[bytes, bytes]:
    length, start = data[0], 1
    if length > 127:
        length, start = length & 127 | data[1] << 7, 2
    return data[start : start + length], data[start + length :]


def with_size(element: bytes) -> bytes:
    size = len(element) - 1
    leb128 = bytes(((size & 127) | 128, (size >> 7 & 127) | 128, size >> 14))
    return bytes((element[0] | 2,)) + leb128 + element[1:]


@pytest.mark.parametrize("format_", [VideoFormat.VP9, VideoFormat.AV1])
def test_payloads_put_together_again_are_the_picture(format_: VideoFormat) -> None:
    source, decoder = Source(format_, 640, 480), Decoder(format_)
    for number in range(3):
        frame = source.encode(picture(640, 480, seed=number), keyframe=number == 2)
        assert max(map(len, frame.payloads)) <= MAX_PAYLOAD_BYTES
        decoded = decoder.pixels(replace(frame, data=rebuilt(format_, frame.payloads)))
        assert psnr(decoded, picture(640, 480, seed=number)) > 30


def test_picture_ids_grow_by_one_and_start_again_at_15_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "randrange", lambda _: 0x7FFD)
    packetizer = Packetizer(VideoFormat.VP9)
    ids = [packetizer.cut(VP9_INTER)[0][1:3].hex() for _ in range(3)]
    assert ids == ["fffe", "ffff", "8000"]
