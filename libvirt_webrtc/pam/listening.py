"""The PAM helper's socket: systemd's or its own, and who is at the other end."""

import os
import socket
import struct
from pathlib import Path

from libvirt_webrtc.errors import ConfigError

MAX_CONNECTIONS = 64
"""Connections at the same time, and waiting for one."""

_CREDENTIALS = struct.Struct("3i")
_FIRST_PASSED = 3
"""The first descriptor that systemd passes on (sd_listen_fds(3))."""


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """The process and the user id of whoever connected, or of whoever listens."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return pid, uid


def inherited_socket() -> socket.socket | None:
    """The socket that systemd listens on and passes on to this process; None: it was started in another way.

    Raises:
        ConfigError: it passed on something else.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    if os.environ.get("LISTEN_FDS") != "1":
        raise ConfigError("systemd has to pass on one socket: see examples/systemd")
    listening = socket.socket(fileno=_FIRST_PASSED)
    listening.set_inheritable(False)
    if listening.family != socket.AF_UNIX or listening.type != socket.SOCK_STREAM:
        raise ConfigError("systemd has to pass on a stream socket with a path: see examples/systemd")
    return listening


def made_socket(path: Path, owner: int) -> socket.socket:
    """A new socket at ``path``, which ``owner`` and root may connect to, in place of one that nobody listens on.

    Raises:
        ConfigError: it cannot be made, or another helper listens there.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
                if other.connect_ex(str(path)) == 0:
                    raise ConfigError(f"another helper listens at {path}")
            path.unlink()
        mask = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(mask)
        os.chown(path, owner, -1)
        listening.listen(MAX_CONNECTIONS)
    except OSError as error:
        listening.close()
        raise ConfigError(f"cannot listen at {path}: {error.strerror}") from error
    except ConfigError:
        listening.close()
        raise
    return listening
