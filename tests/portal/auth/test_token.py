from pathlib import Path

import pytest

from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.auth.token import MIN_TOKEN_CHARACTERS, Token, load_token


@pytest.mark.parametrize("guess", ["", "righ", "right2", "Right", "\udfff"])
def test_only_the_token_itself_matches(guess: str) -> None:
    assert Token("right").matches("right")
    assert not Token("right").matches(guess)


def test_a_token_that_could_be_guessed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text("x" * MIN_TOKEN_CHARACTERS)
    assert load_token(path) == "x" * MIN_TOKEN_CHARACTERS
    path.write_text("x" * (MIN_TOKEN_CHARACTERS - 1))
    with pytest.raises(ConfigError, match="could be guessed: remove the file") as raised:
        load_token(path)
    assert "xxx" not in str(raised.value)
