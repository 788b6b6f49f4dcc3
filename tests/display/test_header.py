"""Message headers: what the specification wants ignored is, and what it calls invalid is refused."""

import struct
from typing import Any

import pytest
from dbus_fast import Message, MessageType

from libvirt_webrtc.display import wire
from libvirt_webrtc.display.header import Header, parse_header
from libvirt_webrtc.display.unmarshal import Unreadable

PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE, UNIX_FDS = range(1, 10)


def call(**options: object) -> bytes:
    return wire.marshal(
        Message(path="/a", interface="b.c", member="Do", serial=7, **options)  # type: ignore[arg-type]
    )


def field(code: int, signature: str, value: bytes) -> bytes:
    """One header field; where ``value`` begins depends on the signature's length: pad it."""
    return bytes([code, len(signature)]) + signature.encode() + b"\0" + value


def text(value: str | bytes, order: str = "<") -> bytes:
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack(order + "I", len(data)) + data + b"\0"


def head(*fields: bytes, kind: int = 1, serial: int = 1, order: str = "<") -> memoryview:
    array = b""
    for each in fields:
        array += bytes(-len(array) & 7) + each
    start = (b"l" if order == "<" else b"B") + bytes([kind, 0, 1])
    return memoryview(
        start + struct.pack(order + "III", 0, serial, len(array)) + array + bytes(-len(array) & 7)
    )


A_PATH, A_MEMBER = field(PATH, "o", text("/a")), field(MEMBER, "s", text("Do"))


def parsed(*fields: bytes, **options: Any) -> Header:
    header = parse_header(head(*fields, **options))
    assert header is not None
    return header


def test_header_tells_where_a_message_goes_and_how_long_it_is() -> None:
    data = call(signature="su", body=["text", 3])
    header = parse_header(memoryview(data))
    assert header is not None
    assert (header.path, header.interface, header.member, header.signature) == ("/a", "b.c", "Do", "su")
    assert (header.kind, header.serial, header.wants_reply) == (MessageType.METHOD_CALL, 7, True)
    assert header.size + header.body_size == len(data)


def test_every_part_of_a_header_waits_for_the_rest() -> None:
    data = call()
    assert [parse_header(memoryview(data[:size])) for size in range(len(data))] == [None] * len(data)


def test_big_endian_headers_are_read() -> None:
    header = parsed(
        field(PATH, "o", text("/a", ">")), field(MEMBER, "s", text("Do", ">")), serial=5, order=">"
    )
    assert header.member == "Do" and header.serial == 5 and not header.little_endian


@pytest.mark.parametrize(
    ("signature", "value"),
    [
        ("u", struct.pack("<I", 3)),
        ("s", text("later")),
        ("y", b"\7"),
        ("as", bytes(3) + struct.pack("<I", 6) + text("a")),
        ("a{sv}", bytes(8)),
        ("(us)", bytes(1) + struct.pack("<I", 1) + text("a")),
        ("v", b"\1y\0\7"),
        ("t", bytes(4) + bytes(8)),
    ],
)
@pytest.mark.parametrize("code", [10, 77, 255])
def test_unknown_fields_are_ignored_whatever_they_hold(code: int, signature: str, value: bytes) -> None:
    header = parsed(A_PATH, field(code, signature, value), A_MEMBER)
    assert (header.path, header.member) == ("/a", "Do")


@pytest.mark.parametrize("kind", [5, 9, 255])
def test_a_message_of_unknown_type_has_no_kind(kind: int) -> None:
    header = parsed(kind=kind)
    assert header.kind is None and not header.wants_reply


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"l\1\0\2" + bytes(12),
        b"l\0\0\1" + bytes(12),
        b"l\1\0\1" + struct.pack("<III", 0, 1, 1 << 30),
        b"l\1\0\1" + struct.pack("<III", 0, 1, 8) + b"\1\1o\0\xff\xff\xff\xff",
        b"l\1\0\1" + struct.pack("<III", 0, 1, 16) + b"\1\1s\0\1\0\0\0a\0" + bytes(6),
        b"l\1\0\1" + struct.pack("<III", 0, 1, 16) + b"\3\1s\0\1\0\0\0\xff\0" + bytes(6),
        b"l\1\0\1" + struct.pack("<III", 0, 1, 3) + b"\3\1s" + bytes(5),
        b"l\1\0\1" + struct.pack("<III", 0, 1, 8) + b"\x09\1u\0\xff\0\0\0",
    ],
)
def test_what_is_no_header_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_header(memoryview(data))


@pytest.mark.parametrize(
    "fields",
    [
        (A_PATH,),
        (A_MEMBER,),
        (field(PATH, "s", text("/a")), A_MEMBER),
        (A_PATH, A_MEMBER, field(UNIX_FDS, "s", text("1"))),
        (A_PATH, A_MEMBER, field(0, "u", bytes(4))),
        (field(PATH, "o", text("a")), A_MEMBER),
        (field(PATH, "o", text("/a/")), A_MEMBER),
        (field(PATH, "o", text("/a\n")), A_MEMBER),
        (A_PATH, field(MEMBER, "s", text("Do\n"))),
        (A_PATH, field(MEMBER, "s", text("Do.It"))),
        (A_PATH, field(MEMBER, "s", text("D" * 256))),
        (A_PATH, A_MEMBER, field(INTERFACE, "s", text("nodots"))),
        (A_PATH, A_MEMBER, field(INTERFACE, "s", text("a.1b"))),
        (A_PATH, A_MEMBER, field(SENDER, "s", text(":1.2\nERROR forged line"))),
        (A_PATH, A_MEMBER, field(DESTINATION, "s", text(""))),
    ],
)
def test_missing_fields_wrong_types_and_invalid_names_are_refused(fields: tuple[bytes, ...]) -> None:
    with pytest.raises(Unreadable):
        parse_header(head(*fields))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (MessageType.METHOD_RETURN, (A_PATH,)),
        (MessageType.ERROR, (field(REPLY_SERIAL, "u", struct.pack("<I", 1)),)),
        (MessageType.SIGNAL, (A_PATH, A_MEMBER)),
    ],
)
def test_each_type_has_the_fields_that_it_must_have(kind: MessageType, fields: tuple[bytes, ...]) -> None:
    with pytest.raises(Unreadable, match="without its fields"):
        parse_header(head(*fields, kind=kind.value))


def test_a_message_has_a_serial() -> None:
    with pytest.raises(Unreadable, match="serial"):
        parse_header(head(A_PATH, A_MEMBER, serial=0))


@pytest.mark.parametrize("sender", [":1.2", "org.freedesktop.DBus", "org.qemu", ":1.2-a._b"])
def test_bus_names_are_taken(sender: str) -> None:
    assert parsed(A_PATH, A_MEMBER, field(SENDER, "s", text(sender))).sender == sender
