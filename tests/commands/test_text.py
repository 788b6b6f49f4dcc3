"""Names of any kind in a terminal."""

import pytest

from libvirt_webrtc.commands.text import cell, columns, visible


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("web-1", "web-1"),
        ("gpj\u202eexe", "gpj\\u202eexe"),
        ("bell\x07\x1b[31m", "bell\\u0007\\u001b[31m"),
        ("tag\U000e0041", "tag\\u{e0041}"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_cannot_be_seen_is_shown(name: str, seen: str) -> None:
    assert visible(name) == seen


@pytest.mark.parametrize(
    ("name", "width"), [("abc", 3), ("東京", 4), ("ﾃｽﾄ", 3), ("e\u0301", 1), ("שלום", 4), ("Ａ", 2)]
)
def test_columns_are_those_of_a_terminal(name: str, width: int) -> None:
    assert columns(name) == width
    padded = cell(name, 8, terminal=False)
    assert padded.startswith(name) and columns(padded) == 8


def test_letters_from_right_to_left_turn_nothing_else_on_a_terminal() -> None:
    assert cell("שלום", 6, terminal=True) == "\u2068שלום\u2069  "
    assert cell("שלום", 6, terminal=False) == "שלום  "
    assert cell("abc", 4, terminal=True) == "abc "
