import errno
import os
import stat
from pathlib import Path

import pytest

from libvirt_webrtc.config.state_files import write_whole
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


def test_without_a_file_each_token_is_new() -> None:
    assert load_token(None) != load_token(None)
    assert len(load_token(None)) >= 32


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (b"secret\n", 0o640, "chmod 600"),
        (b"secret\n", 0o604, "chmod 600"),
        (b"\xff\xfe", 0o600, "ascii"),
    ],
)
def test_a_token_file_that_cannot_be_used_is_refused(
    tmp_path: Path, content: bytes, mode: int, reason: str
) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=reason):
        load_token(path)


def test_a_token_file_keeps_its_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    old = os.umask(0)
    try:
        token = load_token(path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_token(path) == token


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_file_gets_a_new_token(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is what older versions left where the disk was full at their first start."""
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text(content)
    token = load_token(path)
    assert len(token) >= MIN_TOKEN_CHARACTERS and load_token(path) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert caplog.messages == [f"token file {path} was empty: it holds a new token now"]
    assert token not in caplog.text


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "null"
    pipe.symlink_to("/dev/null")
    with pytest.raises(ConfigError):
        load_token(pipe)
    assert Path("/dev/null").is_char_device() and pipe.is_symlink()


def test_a_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(ConfigError, match="No space left"):
            load_token(path)
    assert list(tmp_path.iterdir()) == []
    assert load_token(path) == load_token(path)


def test_two_starts_at_once_do_not_take_two_tokens(tmp_path: Path) -> None:
    path = tmp_path / "token"
    write_whole(path, "the first one's token\n", new=True)
    with pytest.raises(FileExistsError):
        write_whole(path, "the second one's token\n", new=True)
    assert [file.name for file in tmp_path.iterdir()] == ["token"]
