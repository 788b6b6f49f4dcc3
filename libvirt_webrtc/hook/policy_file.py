"""The file in which libvirt's hook reads the policy: a hook must neither call libvirt nor wait for a service.

``serve`` writes it, whole or not at all. The hook runs as root and refuses a file with anything unknown in it::

    {"version": 1, "auto_enable": "all", "gl": "auto"}
"""

import json
import os
import stat
from contextlib import suppress
from pathlib import Path

from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.errors import ConfigError

FILE_NAME = "hook-policy.json"
VERSION = 1
SIZE_LIMIT = 4096
"""Limit for the file, in bytes."""


def write_policy(path: Path, policy: Policy) -> None:
    """Write ``policy`` to ``path``, readable for everybody. Raises ConfigError where that is not possible."""
    content = {"version": VERSION, "auto_enable": policy.auto_enable.value, "gl": policy.gl.value}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.with_name(f".{path.name}-{os.getpid()}")
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "w", encoding="ascii") as file:
                file.write(json.dumps(content) + "\n")
                os.fchmod(file.fileno(), 0o644)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except OSError:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise ConfigError(f"cannot write the policy for libvirt's hook: {error}") from error


def read_policy(path: Path) -> Policy:
    """Read the policy at ``path``. Raises ConfigError where there is none, or none that :func:`write_policy` wrote."""
    try:
        # The service's user owns the folder, and the hook runs as root: follow no link, do not wait for a named pipe.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ConfigError(f"{path} is no file")
            text = os.read(fd, SIZE_LIMIT + 1)
        finally:
            os.close(fd)
    except OSError as error:
        raise ConfigError(f"cannot read the policy for libvirt's hook: {error}") from error
    if len(text) > SIZE_LIMIT:
        raise ConfigError(f"{path} is longer than {SIZE_LIMIT} bytes: not written by libvirt-webrtc")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict) or content.keys() != {"version", "auto_enable", "gl"}:
        raise ConfigError(f"{path} is not a policy: it has version, auto_enable and gl")
    if content["version"] != VERSION:
        raise ConfigError(f"{path} has version {content['version']!r}: known is {VERSION}")
    try:
        return Policy.of(content["auto_enable"], content["gl"])
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: {error}") from error
