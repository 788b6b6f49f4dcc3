"""A small file for each guest that is being given its console, for the next process where this one is killed."""

import logging
import os
import stat
import time
from pathlib import Path

from libvirt_webrtc.errors import CannotAttach

log = logging.getLogger(__name__)

RECENT_S = 3600.0
"""Older notes are removed: whoever missed the guest has started it since, and may have saved it again."""

SIZE_LIMIT = 4096
"""Bytes of a note that are read; it holds one URI."""


class AttachNotes:
    """A folder of files. Each is named by a domain's UUID and holds the URI of its libvirt."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, uuid: str, uri: str) -> None:
        """Leave a note on a guest. Raises CannotAttach where that is not possible."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / uuid).write_text(uri, encoding="utf-8")
        except OSError as error:
            raise CannotAttach(f"no note can be kept on it meanwhile: {error}") from error

    def remove(self, uuid: str) -> None:
        """Remove a guest's note, if there is one."""
        try:
            (self._folder / uuid).unlink(missing_ok=True)
        except OSError as error:
            log.warning("the note on domain %s stays: %s", uuid, error)

    def recent(self, uri: str) -> list[str]:
        """The UUIDs of the guests at ``uri`` with a recent note. Removes old notes.

        What cannot be read, or is no file, is logged and left where it is.
        """
        try:
            notes = sorted(self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            log.warning("cannot see which guests a killed process left saved: %s", error)
            return []
        return [note.name for note in notes if self._is_recent(note, uri)]

    def _is_recent(self, note: Path, uri: str) -> bool:
        try:
            # Without O_NONBLOCK a named pipe would hold up the service's start.
            fd = os.open(note, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                status = os.fstat(fd)
                if not stat.S_ISREG(status.st_mode):
                    raise OSError("it is no file")
                text = os.read(fd, SIZE_LIMIT).decode()
            finally:
                os.close(fd)
            if time.time() - status.st_mtime > RECENT_S:
                note.unlink()
                return False
        except (OSError, UnicodeDecodeError) as error:
            log.warning(
                "the note %s is passed over: %s; if domain %s is saved, 'virsh start' lets it go on",
                note,
                error,
                note.name,
            )
            return False
        return text == uri
