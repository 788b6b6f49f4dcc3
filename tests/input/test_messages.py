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
