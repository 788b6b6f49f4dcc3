"""Landlock: which files can be reached, which ports, and which processes.

The kernel's ``Documentation/userspace-api/landlock.rst`` and ``linux/landlock.h`` have the numbers.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from libvirt_webrtc.worker.sandbox import libc

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""The same on every architecture."""
_QUERY_VERSION = 1
_PATH_BENEATH, _NET_PORT = 1, 2

_WRITE_FILE, _READ_FILE, _READ_DIR, _IOCTL_DEV = 1 << 1, 1 << 2, 1 << 3, 1 << 15
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""By the version that brought them: all that files can be opened and changed for, REFER, TRUNCATE, IOCTL_DEV."""
_CONNECT_TCP = 1 << 1
_BIND_AND_CONNECT_TCP = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3

NETWORK_VERSION, SCOPE_VERSION = 4, 6


class _Attributes(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


class _PortRule(ctypes.Structure):
    _fields_ = [("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64)]


def version() -> int:
    """The kernel's Landlock ABI; 0 where it has none, where it is switched off, or where a sandbox around us hides it.

    Raises:
        OSError: the kernel refused for another reason.
    """
    try:
        return libc.syscall(_CREATE_RULESET, 0, 0, _QUERY_VERSION)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return 0
        raise


def restrict(
    abi: int,
    *,
    readable: Iterable[str],
    listable: Iterable[str],
    devices: Iterable[str],
    tcp_ports: Iterable[int],
) -> None:
    """Allow this thread, and those that it starts, no more than this, for good. Needs ``no_new_privs``.

    Args:
        abi: the kernel's :func:`version`, at least 1.
        readable: files, and folders with all that is below them; those that do not exist are left out.
        listable: folders that can be listed, with all folders below them.
        devices: device files to read, write and control.
        tcp_ports: to connect to; nothing can be bound.

    Raises:
        OSError: it could not be done.
    """
    attributes = _Attributes(
        files=_file_rights(abi),
        network=_BIND_AND_CONNECT_TCP if abi >= NETWORK_VERSION else 0,
        scoped=_ABSTRACT_SOCKETS_AND_SIGNALS if abi >= SCOPE_VERSION else 0,
    )
    # An older kernel knows a shorter structure, and takes a longer one whose end is zero.
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.addressof(attributes), ctypes.sizeof(attributes), 0)
    with _closing(ruleset):
        for path in readable:
            _allow(ruleset, path, _READ_FILE, folder=_READ_DIR)
        for path in listable:
            _allow(ruleset, path, 0, folder=_READ_DIR)
        for path in devices:
            _allow(ruleset, path, attributes.files & (_READ_FILE | _WRITE_FILE | _IOCTL_DEV))
        if attributes.network:
            for port in tcp_ports:
                rule = _PortRule(_CONNECT_TCP, port)
                libc.syscall(_ADD_RULE, ruleset, _NET_PORT, ctypes.addressof(rule), 0)
        libc.syscall(_RESTRICT_SELF, ruleset, 0)


def _file_rights(abi: int) -> int:
    rights = 0
    for since, added in _FILE_RIGHTS.items():
        if abi >= since:
            rights |= added
    return rights


def _allow(ruleset: int, path: str, rights: int, *, folder: int = 0) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    with _closing(parent):
        if stat.S_ISDIR(os.fstat(parent).st_mode):
            rights |= folder
        if rights == 0:
            return
        rule = _PathRule(rights, parent)
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.addressof(rule), 0)


@contextmanager
def _closing(fd: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(fd)
