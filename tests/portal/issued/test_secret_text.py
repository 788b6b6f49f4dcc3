import re

import pytest

from libvirt_webrtc.portal.issued.secret_text import (
    LINK_PREFIX,
    TOKEN_PREFIX,
    is_whole,
    new_secret,
    secret_hash,
)


def test_a_secret_is_recognizable_long_and_new_each_time() -> None:
    made = {new_secret(TOKEN_PREFIX) for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"lvw_[0-9A-Za-z]{39}", text) for text in made)
    assert all(is_whole(text, TOKEN_PREFIX) and not is_whole(text, LINK_PREFIX) for text in made)
    assert re.fullmatch(r"[0-9a-f]{64}", secret_hash(made.pop()))


@pytest.mark.parametrize("where", range(0, 43, 3))
def test_a_mistyped_or_shortened_one_is_known_to_be(where: int) -> None:
    text = new_secret(TOKEN_PREFIX)
    other = "x" if text[where] != "x" else "y"
    assert not is_whole(text[:where] + other + text[where + 1 :], TOKEN_PREFIX)
    assert not is_whole(text[:where], TOKEN_PREFIX)


@pytest.mark.parametrize("text", ["", "lvw_", "\udfff", "lvw_" + "ü" * 39, "lvw_" + "\udfff" * 39])
def test_strange_texts_are_merely_wrong(text: str) -> None:
    assert not is_whole(text, TOKEN_PREFIX)
    assert len(secret_hash(text)) == 64
