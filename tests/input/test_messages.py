import random
import struct

import pytest

from libvirt_webrtc.errors import ViewerProtocolError
from libvirt_webrtc.input import messages
from libvirt_webrtc.input.messages import (
    ButtonEvent,
    InputMessage,
    KeyEvent,
    MoveBy,
    MoveTo,
    Ping,
    ReleaseAll,
    Resize,
    WantStats,
    Watch,
    Wheel,
    parse,
)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x01\x01KeyA", KeyEvent("KeyA", down=True)),
        (b"\x01\x00KeyA", KeyEvent("KeyA", down=False)),
        (b"\x01\x01" + b"x" * 32, KeyEvent("x" * 32, down=True)),
        (b"\x02\x01\x02\xff\xff", MoveTo(0x0102, 0xFFFF)),
        (b"\x03\xff\xff\x00\x05", MoveBy(-1, 5)),
        (b"\x04\x02\x01", ButtonEvent(2, down=True)),
        (b"\x04\x03\x00", ButtonEvent(3, down=False)),
        (b"\x05\x00\xfd", Wheel(0, -3)),
        (b"\x06", ReleaseAll()),
        (b"\x07\xde\xad\xbe\xef", Ping(0xDEADBEEF)),
        (b"\x08\x01", WantStats(True)),
        (b"\x08\x00", WantStats(False)),
        (b"\x09\x01", Watch(True)),
        (b"\x09\x00", Watch(False)),
        (b"\x0a\x05\x56\x03\x00\x01\x6a\x00\xcb", Resize(1366, 768, 362, 203)),
        (b"\x0a\x00\x00\xff\xff\x00\x00\x00\x00", Resize(64, 8192, 0, 0)),
    ],
)
def test_parse_reads_each_message(data: bytes, value: InputMessage) -> None:
    assert parse(data) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x08",
        b"\x81\x00\x00\x00\x00",
        b"\x01",
        b"\x01\x01",
        b"\x01\x01" + b"x" * 33,
        b"\x01\x01Key\xc3\x84",
        b"\x02\x00\x00\x00",
        b"\x02\x00\x00\x00\x00\x00",
        b"\x03\x00",
        b"\x04\x00",
        b"\x04\x00\x00\x00",
        b"\x05\x00",
        b"\x06\x00",
        b"\x07\x00\x00\x00",
        b"\x07" * 70000,
        b"\x09",
        b"\x0a\x05\x56\x03\x00",
    ],
)
def test_parse_refuses_unknown_types_and_wrong_lengths(data: bytes) -> None:
    with pytest.raises(ViewerProtocolError):
        parse(data)


def test_parse_limits_the_wheel() -> None:
    assert parse(struct.pack(">Bbb", messages.WHEEL, 127, -128)) == Wheel(20, -20)


def test_parse_of_random_bytes_gives_a_value_or_the_typed_error() -> None:
    rng = random.Random(20)
    accepted = 0
    for _ in range(50_000):
        data = rng.randbytes(rng.choice((0, 1, 2, 3, 4, 5, 6, 34, 35, 100)))
        if data and rng.random() < 0.8:
            # Mostly known types, so that the bodies are reached.
            data = bytes([rng.randrange(11)]) + data[1:]
        try:
            parse(data)
        except ViewerProtocolError:
            continue
        accepted += 1
    assert accepted > 1000


def test_encoders_write_what_the_protocol_says() -> None:
    assert messages.size(1024, 768) == b"\x81\x04\x00\x03\x00"
    assert messages.pointer_mode(absolute=True) == b"\x82\x01"
    assert messages.pointer_mode(absolute=False) == b"\x82\x00"
    assert messages.cursor(2, 1, 1, 0, b"RGBArgba") == b"\x83\x00\x02\x00\x01\x00\x01\x00\x00RGBArgba"
    assert messages.cursor_position(-2, 258, visible=True) == b"\x84\xff\xfe\x01\x02\x01"
    assert messages.leds(0b101) == b"\x85\x05"
    assert messages.enabled(shown=False) == b"\x86\x00"
    assert messages.consoles({"consoles": []}) == b'\x8a{"consoles":[]}'
    assert messages.resized(taken=True) == b"\x8b\x01"
    assert messages.pong(0xDEADBEEF) == b"\x87\xde\xad\xbe\xef"
    assert messages.state(paused=True) == b"\x88\x01"
    assert messages.problem("No “XR24”") == b"\x8cNo \xe2\x80\x9cXR24\xe2\x80\x9d"
    assert messages.problem("") == b"\x8c"


def test_a_long_problem_is_cut_between_characters() -> None:
    assert messages.problem("“" * 400) == b"\x8c" + "“".encode() * 333


def test_cursor_position_far_outside_is_brought_into_range() -> None:
    assert messages.cursor_position(-100_000, 100_000, visible=False) == b"\x84\x80\x00\x7f\xff\x00"


def test_cursor_hot_spot_is_moved_into_the_picture() -> None:
    assert messages.cursor(1, 1, -5, 2**31 - 1, b"RGBA")[5:9] == b"\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("width", "height", "data"),
    [(513, 1, bytes(513 * 4)), (1, -1, b""), (2, 2, bytes(15)), (2, 2, bytes(17))],
)
def test_cursor_refuses_what_the_protocol_cannot_carry(width: int, height: int, data: bytes) -> None:
    with pytest.raises(ViewerProtocolError):
        messages.cursor(width, height, 0, 0, data)
