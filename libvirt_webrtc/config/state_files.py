"""Files that outlive the program: there whole or not at all, and of which run of the system they tell."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""The kernel's name for its present run. With the next one the monotonic clock and libvirt's numbers begin anew."""


def write_whole(path: Path, text: str, *, new: bool = False, durable: bool = True) -> None:
    """Write ``text``, ASCII, to ``path`` with the mode 0600, in place of what is there. Blocking.

    A disk that is full, or a process that is killed, leaves what was there before, and never half of a file.

    Args:
        path: the file; where it is a symbolic link, what that leads to. What is unfinished has a name with a dot first.
        text: the file's content.
        new: refuse to replace a file.
        durable: wait until it is on the disk, which may take seconds. Without, it may be lost with the machine's power.

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
            if durable:
                os.fsync(fd)
        if new:
            os.link(unfinished, path)
        else:
            os.replace(unfinished, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(unfinished)


def become_owner(folder: Path) -> None:
    """Go on as the user that a folder belongs to, where this process is root's. For good.

    What a command writes into the service's folder is then the service's, and where the service had put links there,
    they lead to nothing that the service could not write itself.

    Raises:
        OSError: the folder cannot be looked at; nothing changed. A folder that does not exist changes nothing, either.
    """
    if os.geteuid() != 0 or not folder.exists():
        return
    owner = folder.stat()
    if owner.st_uid == 0:
        return
    os.setgroups([])
    os.setresgid(owner.st_gid, owner.st_gid, owner.st_gid)
    os.setresuid(owner.st_uid, owner.st_uid, owner.st_uid)


def boot_id() -> str:
    """The present run of the system. Raises OSError where there is no /proc."""
    return BOOT_ID.read_text(encoding="ascii").strip()
