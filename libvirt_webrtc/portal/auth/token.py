"""The access token: where it comes from, and whether a guess is right."""

import hmac
import logging
import secrets
import stat
from pathlib import Path

from libvirt_webrtc.config.state_files import write_whole
from libvirt_webrtc.errors import ConfigError

log = logging.getLogger(__name__)

TOKEN_BYTES = 24
"""Of randomness in a token that the program makes: 192 bits, 32 characters."""

MIN_TOKEN_CHARACTERS = 16
"""Of a token that somebody wrote into a file. Right tokens are never refused, so what bounds guessing is how many
tokens there are: 64^16 here. docs/protocol.md has the figures."""


class Token:
    """A token to compare guesses with."""

    def __init__(self, token: str) -> None:
        self._token = _bytes(token)

    def matches(self, guess: str) -> bool:
        """Whether ``guess`` is the token. Takes the same time wherever the two differ."""
        return hmac.compare_digest(_bytes(guess), self._token)


def load_token(path: Path | None) -> str:
    """The file's token; where the file does not exist or is empty, a new one, which is written there. Blocking.

    The file is for its owner only. Without a path the token is a new one, for this run of the program.

    Raises:
        ConfigError: the file is unreadable, readable by others, or cannot be made, or its token is too short.
    """
    if path is None:
        return secrets.token_urlsafe(TOKEN_BYTES)
    try:
        return _read(path) if path.exists() else _make(path, new=True)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"token file {path}: {error}") from error


def _make(path: Path, *, new: bool) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    write_whole(path, token + "\n", new=new)
    return token


def _read(path: Path) -> str:
    status = path.stat()
    if status.st_mode & 0o077:
        raise ConfigError(f"token file {path} can be read by others: chmod 600 {path}")
    token = path.read_text(encoding="ascii").strip()
    if not token and stat.S_ISREG(status.st_mode):
        log.warning("token file %s was empty: it holds a new token now", path)
        return _make(path, new=False)
    if not token:
        raise ConfigError(f"token file {path} is empty, and no file that a new token could be written to")
    if len(token) < MIN_TOKEN_CHARACTERS:
        raise ConfigError(
            f"the token in {path} has less than {MIN_TOKEN_CHARACTERS} characters, and could be guessed: "
            "remove the file, and a new token is made"
        )
    return token


def _bytes(token: str) -> bytes:
    # Headers and JSON can carry lone surrogates, which plain UTF-8 refuses.
    return token.encode("utf-8", "surrogatepass")
