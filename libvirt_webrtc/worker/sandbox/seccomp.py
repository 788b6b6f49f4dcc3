"""The filter of system calls, by libseccomp."""

import ctypes
import errno
import fcntl
import functools
import os
import platform
import socket
import struct
import termios
from collections.abc import Iterable

from libvirt_webrtc.errors import SandboxError
from libvirt_webrtc.worker.sandbox import calls, libc

try:
    import pyseccomp
    from pyseccomp import ALLOW, EQ, ERRNO, MASKED_EQ, Arg, Attr, SyscallFilter
except RuntimeError as error:
    raise SandboxError("libseccomp is not installed (Debian: apt-get install libseccomp2)") from error

_INT = 0xFFFFFFFF
"""The kernel looks at the lower half of an argument that is an int: to compare all of it would leave a way around."""

_O_TMPFILE = 0o20000000
_OPEN_MASK = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | _O_TMPFILE

_CLONE_VM, _CLONE_SIGHAND, _CLONE_THREAD = 0x100, 0x800, 0x10000
_THREAD = _CLONE_VM | _CLONE_SIGHAND | _CLONE_THREAD
_CLONE_NEW = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x80
"""Every new namespace: mount, cgroup, UTS, IPC, user, PID, network, time (``linux/sched.h``)."""

_SECCOMP_MODE_FILTER = 2
_INSTRUCTION = struct.Struct("=HBBI")
_JUMP_IF_EQUAL = 0x15
"""``linux/filter.h``: code, where to go if true and if false, operand."""
_NO_PROCESS = 0x7FFFFFFF
"""In the place of a worker's own id, until it is known. Linux gives ids up to 4,194,304."""

_SOCKET_TYPE = 0xF
_NETLINK_ROUTE = 0

_DMA_BUF_IOCTL_SYNC = 0x40086200
_IOCTLS = (
    *(
        termios.FIONBIO,
        termios.FIONREAD,
        termios.FIOCLEX,
        termios.FIONCLEX,
        termios.TCGETS,
        termios.TIOCGWINSZ,
    ),
    _DMA_BUF_IOCTL_SYNC,
)
"""Never what types into a terminal (TIOCSTI), or has a descriptor send signals (FIOSETOWN)."""
_DEVICE_IOCTLS = (0x00, ord("d"), ord("b"), ord(">"), ord("F"), ord("G"))
"""The letters of DRM, DMA-BUF, sync files, NVIDIA (0 is its unified memory), and WSL's GPU."""
_READS, _READS_OR_WRITES, _WRITES = 1 << 31, 3 << 30, 1 << 30
"""Directions (``asm-generic/ioctl.h``)."""

_F_DUPFD_QUERY, _F_ADD_SEALS, _F_GET_SEALS = 1027, 1033, 1034
_FCNTLS = (
    *(fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL),
    *(_F_DUPFD_QUERY, _F_ADD_SEALS, _F_GET_SEALS),
)
"""Not F_SETOWN and F_SETSIG: with them a descriptor signals any process of the same user."""

_PR_GET_DUMPABLE, _PR_SET_NAME, _PR_GET_NAME, _PR_GET_SECCOMP, _PR_CAPBSET_READ = 3, 15, 16, 21, 23
_PR_GET_NO_NEW_PRIVS, _PR_SET_VMA = 39, 0x53564D41
_PRCTLS = (
    *(_PR_GET_DUMPABLE, _PR_SET_NAME, _PR_GET_NAME, _PR_GET_SECCOMP, _PR_CAPBSET_READ),
    *(_PR_GET_NO_NEW_PRIVS, _PR_SET_VMA),
)


class _Filter(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def is_supported() -> bool:
    """Whether the kernel has filters of system calls (``CONFIG_SECCOMP_FILTER``)."""
    return os.path.exists("/proc/sys/kernel/seccomp/actions_avail") or _in_status()


def _in_status() -> bool:
    with open("/proc/self/status", encoding="utf-8") as status:
        return any(line.startswith("Seccomp:") for line in status)


@functools.cache
def program(*, may_open: bool, devices: bool, tcp: bool) -> bytes:
    """The filter's instructions (``struct sock_filter``), for any process; :func:`restrict` says what they do.

    Making them takes 3 ms and 1 MB: the fork server does so, for all workers.

    Args:
        may_open: whether files can be opened at all.
        devices: whether device files are used, so that files can be opened for writing too, but not made or emptied.
        tcp: whether TCP sockets can be made.

    Raises:
        OSError: it could not be done.
    """
    rules = _Rules()
    for name in calls.UNCONDITIONAL:
        rules.allow(name)
    _add_opening(rules, may_open=may_open, devices=devices)
    _add_sockets(rules, tcp=tcp)
    _add_processes(rules)
    _add_commands(rules, devices=devices)
    rules.answer_not_implemented(calls.NEWEST)
    return rules.program()


def restrict(instructions: bytes) -> None:
    """Allow this thread, and those that it starts, no other system calls than :func:`program` does, for good.

    What is refused fails with EPERM, or ENOSYS where the C library then does without; nothing is killed, because
    libraries try what they can do without. Calls of other architectures (i386, x32) are refused as well. Needs
    ``no_new_privs``.

    Raises:
        OSError: it could not be done.
    """
    own = _for_process(instructions, os.getpid())
    buffer = ctypes.create_string_buffer(own, len(own))
    filter_ = _Filter(len(own) // _INSTRUCTION.size, ctypes.addressof(buffer))
    libc.prctl(libc.PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(filter_))


def _for_process(instructions: bytes, pid: int) -> bytes:
    """With its own id in the comparisons with that of nobody."""
    made = bytearray()
    for code, if_true, if_false, value in _INSTRUCTION.iter_unpack(instructions):
        is_own = code == _JUMP_IF_EQUAL and value == _NO_PROCESS
        made += _INSTRUCTION.pack(code, if_true, if_false, pid if is_own else value)
    if made == instructions:
        raise OSError(errno.EINVAL, "the filter names no process")
    return bytes(made)


def _add_opening(rules: "_Rules", *, may_open: bool, devices: bool) -> None:
    modes = ([os.O_RDONLY] if may_open else []) + ([os.O_RDWR] if may_open and devices else [])
    for mode in modes:
        for name, argument in calls.OPENING:
            rules.allow(name, Arg(argument, MASKED_EQ, _OPEN_MASK, mode))


def _add_sockets(rules: "_Rules", *, tcp: bool) -> None:
    kinds = [socket.SOCK_DGRAM, *([socket.SOCK_STREAM] if tcp else [])]
    for family in (socket.AF_INET, socket.AF_INET6):
        for kind in kinds:
            rules.allow("socket", _is(0, family), Arg(1, MASKED_EQ, _SOCKET_TYPE, kind))
    # getifaddrs() asks for the machine's addresses.
    rules.allow("socket", _is(0, socket.AF_NETLINK), _is(2, _NETLINK_ROUTE))
    # Not datagrams: they could be sent to any socket's path.
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        rules.allow("socketpair", _is(0, socket.AF_UNIX), Arg(1, MASKED_EQ, _SOCKET_TYPE, kind))


def _add_processes(rules: "_Rules") -> None:
    flags = 1 if platform.machine() == "s390x" else 0
    rules.allow("clone", Arg(flags, MASKED_EQ, _THREAD | _CLONE_NEW, _THREAD))
    for name in ("kill", "tgkill"):
        rules.allow(name, _is(0, _NO_PROCESS))
    # To read a limit, which setting one is too.
    rules.allow("prlimit64", _is(0, 0), Arg(2, EQ, 0))


def _add_commands(rules: "_Rules", *, devices: bool) -> None:
    for command in _FCNTLS:
        for name in ("fcntl", "fcntl64"):
            rules.allow(name, _is(1, command))
    for command in _PRCTLS:
        rules.allow("prctl", _is(0, command))
    for command in _IOCTLS:
        rules.allow("ioctl", _is(1, command))
    if devices:
        for letter in _DEVICE_IOCTLS:
            rules.allow("ioctl", Arg(1, MASKED_EQ, 0xFF00, letter << 8))
        # Video4Linux shares its letter with the commands of Linux's console, which have no direction.
        video = ord("V") << 8
        rules.allow("ioctl", Arg(1, MASKED_EQ, _READS | 0xFF00, _READS | video))
        rules.allow("ioctl", Arg(1, MASKED_EQ, _READS_OR_WRITES | 0xFF00, _WRITES | video))


def _is(argument: int, value: int) -> Arg:
    return Arg(argument, MASKED_EQ, _INT, value)


class _Rules:
    def __init__(self) -> None:
        self._filter = SyscallFilter(ERRNO(errno.EPERM))
        self._filter.set_attr(Attr.ACT_BADARCH, ERRNO(errno.EPERM))
        self._allowed: set[int] = set()

    def allow(self, name: str, *conditions: Arg) -> None:
        number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
        if number >= 0:  # else another architecture's, or newer than libseccomp
            self._allowed.add(number)
            self._filter.add_rule(ALLOW, number, *conditions)

    def answer_not_implemented(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            if number not in self._allowed:
                self._filter.add_rule(ERRNO(errno.ENOSYS), number)

    def program(self) -> bytes:
        try:
            self._filter.set_attr(Attr.CTL_OPTIMIZE, 2)
        except OSError:
            pass  # libseccomp before 2.5: the filter is longer to walk through
        with os.fdopen(os.memfd_create("seccomp", os.MFD_CLOEXEC), "rb") as file:
            self._filter.export_bpf(file)
            file.seek(0)
            return file.read()
