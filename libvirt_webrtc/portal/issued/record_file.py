"""A list of records in a file of the state folder, which a running service and the command line both change."""

import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from libvirt_webrtc.config.state_files import write_whole
from libvirt_webrtc.errors import StateError

VERSION = 1
SIZE_LIMIT = 8 * 1024 * 1024
"""Limit for the file that is read, in bytes: several times what the most records take."""

LOCK_WAIT_S = 5.0
"""How long another writer is waited for, who takes milliseconds. One that was stopped meanwhile must not stop us."""
LOCK_POLL_S = 0.02

Record = TypeVar("Record", bound=msgspec.Struct)
Version = tuple[int, ...] | None
"""Tells one state of the file from another; None: there is no file."""


class RecordFile(Generic[Record]):
    """The records of one file, which only its owner can read or write. Everything here blocks, briefly.

    What cannot be used as it is (damaged, readable by others, somebody else's) is an error and is never replaced:
    whoever knows why it is so may still need what is in it.

    Args:
        path: the file; its folder is made where it is missing.
        kind: the type of its records.
    """

    def __init__(self, path: Path, kind: type[Record]) -> None:
        self.path = path
        self._kind = kind

    def version(self) -> Version:
        """Which state of the file there is now: it changes with each change of the file."""
        try:
            found = os.lstat(self.path)
        except OSError:
            return None
        # Written whole, it is a new file each time; the times tell of one that was edited.
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size

    def read(self) -> list[Record]:
        """The records; none where there is no file.

        Raises:
            StateError: the file cannot be used. Says why, and what to do.
        """
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return []
        except OSError as error:
            why = "is a symbolic link" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
            raise StateError(f"{self.path} {why}") from error
        with open(fd, "rb") as file:
            self._check(os.fstat(fd))
            try:
                return self._decode(file.read(SIZE_LIMIT + 1))
            except (OSError, msgspec.MsgspecError) as error:
                raise StateError(
                    f"{self.path} is damaged: {error}. Move it away, and what it held counts no more"
                ) from error

    @contextmanager
    def changing(self) -> Iterator[list[Record]]:
        """The records, to be changed in place; what was changed is written at the end. Nobody else writes meanwhile.

        Raises:
            StateError: the file cannot be used or written, or somebody else has been writing for too long.
        """
        with self._locked():
            records = self.read()
            before = list(records)
            yield records
            if records != before:
                self._write(records)

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise StateError(f"{self.path} is no file")
        # Whose folder it is may replace the file anyway: root reads what the service's user wrote.
        if found.st_uid not in (os.geteuid(), self.path.parent.stat().st_uid):
            raise StateError(
                f"{self.path} belongs to another user: chown it to the one that runs the service"
            )
        if found.st_mode & 0o077:
            raise StateError(f"{self.path} is open to others: chmod 600 {self.path}")

    def _decode(self, content: bytes) -> list[Record]:
        if len(content) > SIZE_LIMIT:
            raise msgspec.ValidationError(f"it has more than {SIZE_LIMIT} bytes")
        whole = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        if "version" not in whole or msgspec.json.decode(whole["version"]) != VERSION:
            raise msgspec.ValidationError("another release of this program wrote it")
        return msgspec.json.decode(whole.get("records", b"null"), type=list[self._kind])  # type: ignore[name-defined]

    def _write(self, records: list[Record]) -> None:
        # ASCII, whatever names hold.
        text = json.dumps({"version": VERSION, "records": msgspec.to_builtins(records)})
        try:
            self._decode(text.encode())
        except msgspec.MsgspecError as error:
            raise StateError(f"{self.path} would be damaged by what is to be written: {error}") from error
        try:
            write_whole(self.path, text)
        except OSError as error:
            raise StateError(f"cannot write {self.path}: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self.path.with_name(f".{self.path.name}.lock")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"cannot open {path}: {error.strerror}") from error
        try:
            self._wait_for(fd)
            yield
        finally:
            os.close(fd)  # and unlocked

    def _wait_for(self, fd: int) -> None:
        end = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > end:
                    raise StateError(
                        f"another process has been writing {self.path} for {LOCK_WAIT_S:g} s; try again"
                    ) from None
                time.sleep(LOCK_POLL_S)
