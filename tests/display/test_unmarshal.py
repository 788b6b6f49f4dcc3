"""Reading D-Bus values: what dbus-fast writes comes back, and hostile bytes are an error and nothing else."""

import struct

import pytest
from dbus_fast import Message, MessageType, Variant

from libvirt_webrtc.display import wire
from libvirt_webrtc.display.header import parse_header
from libvirt_webrtc.display.unmarshal import MAX_DEPTH, MAX_VALUES, Unreadable

VALUES = [
    ("", []),
    ("ynqiuxtd", [255, -2, 65535, -3, 2**32 - 1, -4, 2**64 - 1, 0.5]),
    ("ybyhyx", [1, True, 2, 3, 4, 5]),
    ("sog", ["grün", "/a/b", "a{sv}"]),
    ("ayauas", [b"\x01\x02\x03", [1, 2], ["x", ""]]),
    ("yat", [1, []]),
    ("a(yv)", [[(1, Variant("s", "x")), (2, Variant("a{sv}", {"k": Variant("b", False)}))]]),
    ("a{oa{sa{sv}}}", [{"/a": {"b.c": {"d": Variant("as", ["e"])}}}]),
    ("(i(sv))ah", [(-1, ("x", Variant("(uu)", (1, 2)))), [0, 1]]),
]


@pytest.mark.parametrize(("signature", "values"), VALUES, ids=[signature for signature, _ in VALUES])
def test_what_dbus_fast_writes_is_read(signature: str, values: list[object]) -> None:
    message = Message(
        message_type=MessageType.METHOD_RETURN, reply_serial=1, serial=1, signature=signature, body=values
    )
    data = wire.marshal(message)
    header = parse_header(memoryview(data))
    assert header is not None
    assert wire.unmarshal(signature, data[header.size :], little_endian=True) == values


def test_big_endian_values_are_read() -> None:
    assert wire.unmarshal("uq", b"\x00\x00\x01\x00\x00\x02", little_endian=False) == [256, 2]


def u32(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


HOSTILE: dict[str, tuple[str, bytes]] = {
    "variant without a type": ("v", b"\x00\x00" + bytes(6)),
    "variant of two types": ("v", b"\x02uu\x00" + bytes(8)),
    "variant of no type that exists": ("v", b"\x01z\x00" + bytes(8)),
    "string with a NUL": ("s", u32(3) + b"a\0b\0"),
    "string without its last NUL": ("s", u32(1) + b"ab"),
    "string that is not UTF-8": ("s", u32(1) + b"\xff\0"),
    "string beyond the end": ("s", u32(2**32 - 1) + b"a\0"),
    "signature beyond the end": ("g", b"\xff\0"),
    "number beyond the end": ("u", b"\x00"),
    "nothing where there is something": ("u", b""),
    "something where there is nothing": ("", b"\x00"),
    "more than the signature says": ("u", u32(1, 2)),
    "array beyond the end": ("au", u32(2**32 - 4, 1)),
    "array that ends within its last value": ("au", u32(3, 1)),
    "bytes beyond the end": ("ay", u32(2)),
    "boolean of two": ("b", u32(2)),
    "signature that ends early": ("(u", u32(1, 2)),
    "structure of nothing": ("()", u32(1)),
    "dictionary entry outside an array": ("{sv}", bytes(16)),
    "dictionary with containers as keys": ("a{vs}", u32(1) + bytes(8)),
    "array of nothing": ("a", u32(0)),
    "nested too deep": ("a" * (MAX_DEPTH + 2) + "y", bytes(8)),
    "signature that is too long": ("u" * 256, u32(*range(256))),
    "more values than anybody sends": ("au", u32(4 * (MAX_VALUES + 1)) + bytes(4 * (MAX_VALUES + 1))),
    "variants nested too deep": ("v", b"\x01v\x00" * (MAX_DEPTH + 2) + b"\x01y\x00\x00"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_unreadable(name: str) -> None:
    """The first one crashed the process, in dbus-fast's compiled reader."""
    signature, body = HOSTILE[name]
    with pytest.raises(Unreadable):
        wire.unmarshal(signature, body, little_endian=True)
