"""The access token: where it comes from, and whether a guess is right."""

import hmac
import os
import secrets
from pathlib import Path

from libvirt_webrtc.errors import ConfigError

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
    """The file's token; where the file does not exist, a new one, which is written there for its owner only.

    Without a path it is a new one, for this run of the program.

    Raises:
        ConfigError: the file is empty, unreadable, readable by others, or cannot be made, or its token is too short.
    """
    if path is None:
        return secrets.token_urlsafe(TOKEN_BYTES)
    try:
        if path.exists():
            return _read(path)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(token + "\n")
        return token
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"token file {path}: {error}") from error


def _read(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"token file {path} can be read by others: chmod 600 {path}")
    token = path.read_text(encoding="ascii").strip()
    if not token:
        raise ConfigError(f"token file {path} is empty: remove it, and a new token is made")
    if len(token) < MIN_TOKEN_CHARACTERS:
        raise ConfigError(
            f"the token in {path} has less than {MIN_TOKEN_CHARACTERS} characters, and could be guessed: "
            "remove the file, and a new token is made"
        )
    return token


def _bytes(token: str) -> bytes:
    # Headers and JSON can carry lone surrogates, which plain UTF-8 refuses.
    return token.encode("utf-8", "surrogatepass")
