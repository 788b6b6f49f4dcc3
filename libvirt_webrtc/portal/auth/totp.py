"""Codes of authenticator apps (TOTP, RFC 6238), and the file with their secrets."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hmac import compare_digest
from pathlib import Path

import msgspec
import pyotp

from libvirt_webrtc.config.state_files import write_whole
from libvirt_webrtc.errors import ConfigError

FILE_NAME = "totp.json"
ISSUER = "libvirt-webrtc"
"""What authenticator apps show beside the user."""

WINDOW = 1
"""Steps of 30 s, before and after the present one, whose code is taken: clocks differ, and people type."""

SIZE_LIMIT = 4 << 20
"""Limit for the file that is read, in bytes: some 30,000 users."""
VERSION = 1


class _Enrolled(msgspec.Struct, forbid_unknown_fields=True):
    secret: str
    """In base 32, as authenticator apps take it."""
    used: int = 0
    """The step of the last code that was taken: none is taken twice."""


class _TotpContent(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    users: dict[str, _Enrolled]


class TotpFile:
    """The users with a second factor. Each method reads the file anew; blocking, briefly.

    The file is for its owner only. The service and ``libvirt-webrtc totp`` change it, one after the other.

    Raises, each of its methods:
        ConfigError: the file cannot be read or written, or holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def users(self) -> list[str]:
        """Who has a second factor, sorted."""
        return sorted(self._load().users)

    def has(self, user: str) -> bool:
        """Whether this user has one."""
        return user in self._load().users

    def enroll(self, user: str) -> str:
        """Give a user a second factor; returns its ``otpauth:`` address, which holds the secret.

        Raises:
            ConfigError: the user has one.
        """
        with self._changing() as content:
            if user in content.users:
                raise ConfigError(f"{user} has a second factor: libvirt-webrtc totp remove {user}, first")
            secret = pyotp.random_base32()
            content.users[user] = _Enrolled(secret)
        return pyotp.TOTP(secret).provisioning_uri(name=f"{user}@{os.uname().nodename}", issuer_name=ISSUER)

    def remove(self, user: str) -> bool:
        """Take it away; False where there was none."""
        if not self.has(user):
            return False
        with self._changing() as content:
            return content.users.pop(user, None) is not None

    def use(self, user: str, code: str, now: float) -> bool:
        """Whether ``code`` is the user's at ``now``, in seconds since 1970, or next to it. It is not taken again."""
        with self._changing() as content:
            enrolled = content.users.get(user)
            if enrolled is None:
                return False
            totp = pyotp.TOTP(enrolled.secret)
            step = int(now) // totp.interval
            found = 0
            for each in range(step - WINDOW, step + WINDOW + 1):
                # All of them, whichever is right: how long it takes tells nothing.
                if compare_digest(totp.generate_otp(each).encode(), code.encode("utf-8", "replace")):
                    found = each
            if found <= enrolled.used:
                return False
            enrolled.used = found
            return True

    def _load(self) -> _TotpContent:
        try:
            with self._path.open("rb") as file:
                content = msgspec.json.decode(file.read(SIZE_LIMIT), type=_TotpContent)
        except FileNotFoundError:
            return _TotpContent(VERSION, {})
        except (OSError, msgspec.MsgspecError) as error:
            raise ConfigError(f"cannot read the second factors in {self._path}: {error}") from error
        if content.version != VERSION:
            raise ConfigError(f"{self._path} is of another release of libvirt-webrtc")
        return content

    @contextmanager
    def _changing(self) -> Iterator[_TotpContent]:
        """The content, which is written back at the end unless something is raised or nothing changed."""
        try:
            self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            fd = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"cannot change {self._path}: {error}") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            content = self._load()
            before = _text(content)
            yield content
            if (after := _text(content)) != before:
                write_whole(self._path, after)
        except OSError as error:
            raise ConfigError(f"cannot write {self._path}: {error}") from error
        finally:
            os.close(fd)


def _text(content: _TotpContent) -> str:
    return json.dumps(msgspec.to_builtins(content))
