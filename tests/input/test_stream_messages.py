"""The messages of a stream: a viewer's are parsed with distrust, pictures are cut into parts."""

import json

import pytest

from libvirt_webrtc.errors import ViewerProtocolError
from libvirt_webrtc.input.stream_messages import (
    PART_BYTES,
    Hello,
    Received,
    WantKeyframe,
    frame_parts,
    parse,
    welcome,
)


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (b'\x40{"formats":["VP8","H264"]}', Hello(("VP8", "H264"))),
        (b'\x40{"formats":[],"more":1}', Hello(())),
        (b"\x41\xff\xff\xff\xfe", Received(2**32 - 2)),
        (b"\x42", WantKeyframe()),
        (b"\x07\x00\x00\x00\x01", None),
    ],
)
def test_a_message_is_parsed(message: bytes, value: object) -> None:
    assert parse(message) == value


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x40",
        b"\x40[]",
        b"\x40{}",
        b'\x40{"formats":"VP8"}',
        b'\x40{"formats":[1]}',
        b'\x40{"formats":\xff}',
        b"\x40" + b"[" * 100_000,
        b"\x41\x00",
        b"\x41\x00\x00\x00\x00\x00",
        b"\x42\x00",
    ],
)
def test_a_malformed_one_is_refused(message: bytes) -> None:
    with pytest.raises(ViewerProtocolError):
        parse(message)


def test_what_there_is_to_decode_is_told() -> None:
    assert json.loads(welcome(["H264", "VP8"])[1:]) == {"formats": ["H264", "VP8"]}


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
def test_a_picture_comes_in_parts_with_a_head_on_the_first(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    parts = list(frame_parts(data, format_code=2, keyframe=True, timestamp=2**32 + 5, width=640, height=480))
    assert len(parts) == max(1, -(-size // PART_BYTES))
    assert parts[0][:11] == b"\xc1" + bytes((parts[0][1], 2)) + b"\x00\x00\x00\x05\x02\x80\x01\xe0"
    flags = [part[1] for part in parts]
    assert [bool(flag & 2) for flag in flags] == [True] + [False] * (len(parts) - 1)
    assert [bool(flag & 4) for flag in flags] == [False] * (len(parts) - 1) + [True]
    assert all(flag & 1 for flag in flags)
    assert parts[0][11:] + b"".join(part[2:] for part in parts[1:]) == data
