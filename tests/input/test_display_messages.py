import pytest

from libvirt_webrtc.errors import ViewerProtocolError
from libvirt_webrtc.input import display_messages


def test_encoders_write_what_the_protocol_says() -> None:
    assert display_messages.size(1024, 768) == b"\x81\x04\x00\x03\x00"
    assert display_messages.pointer_mode(absolute=True) == b"\x82\x01"
    assert display_messages.pointer_mode(absolute=False) == b"\x82\x00"
    assert display_messages.cursor(2, 1, 1, 0, b"RGBArgba") == b"\x83\x00\x02\x00\x01\x00\x01\x00\x00RGBArgba"
    assert display_messages.cursor_position(-2, 258, visible=True) == b"\x84\xff\xfe\x01\x02\x01"
    assert display_messages.leds(0b101) == b"\x85\x05"
    assert display_messages.enabled(shown=False) == b"\x86\x00"
    assert display_messages.consoles({"consoles": []}) == b'\x8a{"consoles":[]}'
    assert display_messages.resized(taken=True) == b"\x8b\x01"
    assert display_messages.reduced(2) == b"\x8e\x02"
    assert display_messages.role(3) == b"\x8f\x03"
    assert display_messages.pong(0xDEADBEEF) == b"\x87\xde\xad\xbe\xef"
    assert display_messages.state(paused=True) == b"\x88\x01"
    assert display_messages.problem("No “XR24”") == b"\x8cNo \xe2\x80\x9cXR24\xe2\x80\x9d"
    assert display_messages.problem("") == b"\x8c"
    assert display_messages.ended("Over.") == b"\x8dOver."


def test_a_long_problem_is_cut_between_characters() -> None:
    assert display_messages.problem("“" * 400) == b"\x8c" + "“".encode() * 333


def test_cursor_position_far_outside_is_brought_into_range() -> None:
    assert display_messages.cursor_position(-100_000, 100_000, visible=False) == b"\x84\x80\x00\x7f\xff\x00"


def test_cursor_hot_spot_is_moved_into_the_picture() -> None:
    assert display_messages.cursor(1, 1, -5, 2**31 - 1, b"RGBA")[5:9] == b"\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("width", "height", "data"),
    [(513, 1, bytes(513 * 4)), (1, -1, b""), (2, 2, bytes(15)), (2, 2, bytes(17))],
)
def test_cursor_refuses_what_the_protocol_cannot_carry(width: int, height: int, data: bytes) -> None:
    with pytest.raises(ViewerProtocolError):
        display_messages.cursor(width, height, 0, 0, data)
