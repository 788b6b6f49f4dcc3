"""Marshalled values, whatever their message says."""

import pytest

from libvirt_webrtc.display import wire
from libvirt_webrtc.display.unmarshal import Unreadable


@pytest.mark.parametrize(
    ("signature", "body", "values"),
    [
        ("", b"", []),
        ("u", b"\1\0\0\0", [1]),
        ("ay", b"\2\0\0\0ab", [b"ab"]),
        ("s", b"\1\0\0\0x\0", ["x"]),
    ],
)
def test_values_are_read(signature: str, body: bytes, values: list[object]) -> None:
    assert wire.unmarshal(signature, body, little_endian=True) == values


def test_big_endian_values_are_read() -> None:
    assert wire.unmarshal("uq", b"\0\0\0\1\0\2", little_endian=False) == [1, 2]


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        ("s", b"\0\0\x10\0text\0"),
        ("as", b"\xff\xff\xff\x7f"),
        ("s", b"\2\0\0\0\xff\xfe\0"),
        ("u", b""),
        ("", b"\1\2"),
        ("(", b"\1"),
        ("a", b"\0\0\0\0"),
        ("u" * 256, b"\0\0\0\0" * 256),
        ("v", b"\1v\0" * 200 + b"\1y\0\1"),
    ],
)
def test_a_body_that_does_not_fit_its_signature_is_refused(signature: str, body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        wire.unmarshal(signature, body, little_endian=True)
    assert len(str(caught.value)) < 300
