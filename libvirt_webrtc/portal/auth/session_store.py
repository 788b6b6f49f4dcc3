"""The file from which sessions come back when the service is started again.

It holds hashes only: whoever reads it can neither sign in nor find out the token by it. A session in it counts only for
the same token, and within the same run of the system: its times are of the clock that never jumps, which begins anew
when the system does.
"""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from libvirt_webrtc.config.state_files import boot_id, write_whole
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.portal.auth.user import User

log = logging.getLogger(__name__)

VERSION = 2
SIZE_LIMIT = 8 * 1024 * 1024
"""Limit for the file that is read, in bytes: what 256 sessions take whose users have a thousand groups each."""

OLD_S = 24 * 3600
"""Files of other addresses that were not written for this long are removed: none of their sessions lives."""


class StoredSession(msgspec.Struct, frozen=True):
    """What of a session outlives the process."""

    cookie: str
    """SHA-256 of the cookie's value, in hexadecimal digits."""
    key: str
    """The same of the session's key."""
    started: float
    """In seconds of the system's monotonic clock, as the next."""
    used: float
    id: str
    """Its public name."""
    user: User
    ends: float
    """When its time is over, by the same clock."""


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    boot: str
    """The system's run in which the times mean something."""
    token: str
    """Proves that the sessions began with the same token."""
    sessions: list[StoredSession]


class SessionStore:
    """One portal's sessions in one file, which only its owner can read.

    Args:
        path: the file; its folder is made where it is missing.
        token: what users sign in with.
    """

    def __init__(self, path: Path, token: str) -> None:
        self._path = path
        key = token.encode("utf-8", "surrogatepass")
        self._token = hmac.new(key, b"libvirt-webrtc sessions", hashlib.sha256).hexdigest()
        self._failing = LimitedLogger(log)

    def load(self) -> list[StoredSession]:
        """The sessions that were saved with this token since the system was started. Blocking, briefly.

        A file that cannot be read, or holds anything else, is logged and counts as none.
        """
        _remove_old(self._path.parent)
        try:
            with self._path.open("rb") as file:
                content = msgspec.json.decode(file.read(SIZE_LIMIT), type=_Content)
            boot = boot_id()
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("%s: no session comes back from it: %s", self._path, error)
            return []
        same = content.version == VERSION and content.boot == boot
        if not same or not hmac.compare_digest(content.token, self._token):
            return []
        return content.sessions

    def save(self, sessions: Iterable[StoredSession]) -> None:
        """Write all ``sessions``, in place of what was there. Blocking.

        Where that fails, as on a full disk, the file is removed: a session that has ended must not come back. The
        others live on in this process.
        """
        try:
            content = _Content(VERSION, boot_id(), self._token, list(sessions))
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._path, json.dumps(msgspec.to_builtins(content)))  # ASCII, whatever names hold
        except OSError as error:
            self._failing.warning(
                "everybody has to sign in again after a restart: cannot save sessions: %s", error
            )
            self._remove()

    def _remove(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.error(
                "remove %s, or sessions that have ended may come back after a restart: %s", self._path, error
            )


def _remove_old(folder: Path) -> None:
    for path in folder.glob("*.json"):
        with suppress(OSError):  # another process was faster, or it is not ours: it does no harm
            if time.time() - path.stat().st_mtime > OLD_S:
                path.unlink()
