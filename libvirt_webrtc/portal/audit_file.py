"""The audit log's file."""

import logging
import os
from pathlib import Path
from typing import Self

from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.logs import LimitedLogger

log = logging.getLogger(__name__)

MODE = 0o640
"""Of a file that is made: the group may read it. One that is there keeps its own, as logrotate's ``create`` says."""


class AuditFile:
    """A file to which lines are added. Other processes may add theirs as well, and rename it."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._broken_line = False
        self._failing = LimitedLogger(log)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, or make it.

        Raises:
            ConfigError: that is not possible.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            try:
                fd = os.open(path, flags | os.O_EXCL, MODE)
            except FileExistsError:
                return cls(path, os.open(path, flags, MODE))
            os.fchmod(fd, MODE)  # whatever the umask
        except OSError as error:
            raise ConfigError(
                f"audit.file {path} cannot be written: {error.strerror}; "
                "its folder must be there, and the service's user may write in it"
            ) from error
        return cls(path, fd)

    def write(self, line: str) -> None:
        """Add one line, ASCII. What cannot be written, to a full disk for instance, is lost, and the log says so."""
        data = line.encode("ascii") + b"\n"
        if self._broken_line:
            data = b"\n" + data
        try:
            written = os.write(self._fd, data)
        except OSError as error:
            self._failing.warning("the audit log %s cannot be written: %s", self._path, error)
            return
        self._broken_line = written < len(data)
        if self._broken_line:
            self._failing.warning("the audit log %s: a line was cut short: is the disk full?", self._path)

    def close(self) -> None:
        """Close it. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
