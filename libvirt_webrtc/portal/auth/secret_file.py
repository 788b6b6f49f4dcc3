"""Files for their owner only, which are there whole or not at all."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_secret(path: Path, text: str, *, new: bool = False) -> None:
    """Write ``text``, ASCII, to ``path`` with the mode 0600, in place of what is there. Blocking.

    A disk that is full, or a process that is killed, leaves what was there before, and never half of a file.

    Args:
        path: the file; where it is a symbolic link, what that leads to.
        text: the file's content.
        new: refuse to replace a file.

    Raises:
        OSError: it could not be written; ``FileExistsError`` where it should be new and is not.
    """
    path = path.resolve()
    # A name that nobody can guess, and O_EXCL: in a folder like /tmp others could have made the file before.
    unfinished = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if new:
            os.link(unfinished, path)
        else:
            os.replace(unfinished, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(unfinished)
