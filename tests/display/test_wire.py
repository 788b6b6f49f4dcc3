import struct

import pytest
from dbus_fast import Message, MessageType

from libvirt_webrtc.display import wire


def call(**options: object) -> bytes:
    return wire.marshal(
        Message(path="/a", interface="b.c", member="Do", serial=7, **options)  # type: ignore[arg-type]
    )


def test_header_tells_where_a_message_goes_and_how_long_it_is() -> None:
    data = call(signature="su", body=["text", 3])
    header = wire.parse_header(memoryview(data))
    assert header is not None
    assert (header.path, header.interface, header.member, header.signature) == ("/a", "b.c", "Do", "su")
    assert (header.kind, header.serial, header.wants_reply) == (MessageType.METHOD_CALL, 7, True)
    assert header.size + header.body_size == len(data)


def test_every_part_of_a_header_waits_for_the_rest() -> None:
    data = call()
    assert [wire.parse_header(memoryview(data[:size])) for size in range(len(data))] == [None] * len(data)


def test_big_endian_headers_are_read() -> None:
    fields = b"\3\1s\0" + struct.pack(">I", 2) + b"Do\0"
    header = wire.parse_header(
        memoryview(b"B\1\0\1" + struct.pack(">III", 0, 5, len(fields)) + fields + bytes(5))
    )
    assert header is not None and header.member == "Do" and header.serial == 5 and not header.little_endian


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"l\1\0\2" + bytes(12),
        b"l\x09\0\1" + bytes(12),
        b"l\1\0\1" + struct.pack("<III", 0, 1, 1 << 30),
        b"l\1\0\1" + struct.pack("<III", 0, 1, 8) + b"\1\1o\0\xff\xff\xff\xff",
        b"l\1\0\1" + struct.pack("<III", 0, 1, 16) + b"\1\1s\0\1\0\0\0a\0" + bytes(6),
        b"l\1\0\1" + struct.pack("<III", 0, 1, 16) + b"\3\1s\0\1\0\0\0\xff\0" + bytes(6),
        b"l\1\0\1" + struct.pack("<III", 0, 1, 3) + b"\3\1s" + bytes(5),
        b"l\1\0\1" + struct.pack("<III", 0, 1, 8) + b"\x09\1u\0\xff\0\0\0",
    ],
)
def test_what_is_no_header_is_refused(data: bytes) -> None:
    with pytest.raises(wire.Unreadable):
        wire.parse_header(memoryview(data))


def test_a_body_that_does_not_fit_its_signature_is_refused() -> None:
    data = bytearray(call(signature="s", body=["text"]))
    data[-9:-5] = struct.pack("<I", 1 << 20)
    with pytest.raises(wire.Unreadable):
        wire.unmarshal(bytes(data))
