"""Frames cut into payloads: the headers by the letter of each format, and the pieces put together again decoded."""

import random
from dataclasses import replace

import pytest

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.media.rtp import packetizer_vp9
from libvirt_webrtc.media.rtp.packetizer import MAX_PAYLOAD_BYTES, Packetizer
from tests.media.encoding import Source
from tests.media.helpers import Decoder, picture, psnr

VP9_KEY = bytes.fromhex("82 49 83 42 20 27 f0 1d f6 00 00") + bytes(range(89))
"""Profile 0, 640 x 480: RFC 9628 needs no more of it."""
VP9_INTER = bytes.fromhex("86 00 40 92 88") + bytes(45)


def test_vp9_keyframe_begins_with_its_size() -> None:
    """RFC 9628, section 4.2: I, F, B and V; a picture ID of 15 bits; N_S=0 with Y=1, then width and height."""
    first, last = packetizer_vp9.cut(VP9_KEY, 0x1234, 70)
    assert first[:8] == bytes((0b1001_1010, 0x92, 0x34, 0x10)) + bytes((0x02, 0x80, 0x01, 0xE0))
    assert last[:3] == bytes((0b1001_0100, 0x92, 0x34))
    assert (len(first), first[8:] + last[3:]) == (70, VP9_KEY)


def test_vp9_inter_picture_refers_to_the_one_before() -> None:
    """P is set, and the list of references is one P_DIFF of 1 without N."""
    first, middle, last = packetizer_vp9.cut(VP9_INTER, 5, 24)
    assert first[:4] == bytes((0b1101_1000, 0x80, 0x05, 0x02))
    assert middle[:4] == bytes((0b1101_0000, 0x80, 0x05, 0x02))
    assert last[:4] == bytes((0b1101_0100, 0x80, 0x05, 0x02))
    assert first[4:] + middle[4:] + last[4:] == VP9_INTER


def test_vp9_picture_in_one_packet_begins_and_ends_there() -> None:
    (only,) = packetizer_vp9.cut(VP9_INTER, 0, 1200)
    assert only[0] == 0b1101_1100


@pytest.mark.parametrize("data", [b"", b"\x82", b"\x00" * 20, b"\xff" * 20])
def test_what_is_not_vp9_is_a_media_error(data: bytes) -> None:
    with pytest.raises(MediaError):
        packetizer_vp9.cut(data, 0, 1200)


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


@pytest.mark.parametrize("format_", [VideoFormat.VP9])
def test_payloads_put_together_again_are_the_picture(format_: VideoFormat) -> None:
    source, packetizer, decoder = Source(format_, 640, 480), Packetizer(format_), Decoder(format_)
    for number in range(3):
        encoded = source.encode(picture(640, 480, seed=number), keyframe=number == 2)
        frame = packetizer.cut(encoded)
        assert max(map(len, frame.payloads)) <= MAX_PAYLOAD_BYTES
        decoded = decoder.pixels(replace(encoded, data=rebuilt(format_, frame.payloads)))
        assert psnr(decoded, picture(640, 480, seed=number)) > 30


def test_picture_ids_grow_by_one_and_start_again_at_15_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "randrange", lambda _: 0x7FFD)
    packetizer = Packetizer(VideoFormat.VP9)
    picture = EncodedFrame(VideoFormat.VP9, 0, False, VP9_INTER)
    ids = [packetizer.cut(picture).payloads[0][1:3].hex() for _ in range(3)]
    assert ids == ["fffe", "ffff", "8000"]
