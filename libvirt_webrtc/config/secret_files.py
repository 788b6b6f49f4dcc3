"""Secrets that somebody else made and the operator put into a file for its owner only."""

from pathlib import Path

from libvirt_webrtc.errors import ConfigError

SIZE_LIMIT = 4096
"""Bytes of such a file: no secret of any provider is nearly as long."""


def read_secret(path: Path, what: str) -> str:
    """The secret in a file, without white space around it. Blocking. ``what`` is its name in errors.

    Raises:
        ConfigError: the file cannot be read, others can read it as well, or it holds no line of text.
    """
    try:
        with path.open("rb") as file:
            mode = path.stat().st_mode
            content = file.read(SIZE_LIMIT + 1)
        secret = content.decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{what} cannot be read from {path}: {error}") from error
    if mode & 0o077:
        raise ConfigError(f"{what} in {path} can be read by others: chmod 600 {path}")
    if not secret or len(content) > SIZE_LIMIT or not secret.isprintable():
        raise ConfigError(f"{path} must hold one line of text, {what}, and nothing else")
    return secret
