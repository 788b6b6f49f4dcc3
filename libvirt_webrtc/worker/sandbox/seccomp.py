"""The filter of system calls, by libseccomp."""

import errno
import fcntl
import os
import platform
import socket
import termios
from collections.abc import Iterable

from libvirt_webrtc.errors import SandboxError
from libvirt_webrtc.worker.sandbox import calls

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
_DEVICE_IOCTLS = (0x00, ord("d"), ord("b"), ord(">"), ord("F"), ord("G"), ord("K"), ord("V"))
"""The letters of DRM, DMA-BUF, sync files, NVIDIA (0 is its unified memory), WSL's GPU, AMD's compute, Video4Linux."""

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


def is_supported() -> bool:
    """Whether the kernel has filters of system calls (``CONFIG_SECCOMP_FILTER``)."""
    return os.path.exists("/proc/sys/kernel/seccomp/actions_avail") or _in_status()


def _in_status() -> bool:
    with open("/proc/self/status", encoding="utf-8") as status:
        return any(line.startswith("Seccomp:") for line in status)


def restrict(*, may_open: bool, devices: bool, tcp: bool) -> None:
    """Allow this thread, and those that it starts, no other system calls than a worker's, for good.

    What is refused fails with EPERM, or ENOSYS where the C library then does without; nothing is killed, because
    libraries try what they can do without. Calls of other architectures (i386, x32) are refused as well.

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
    rules.load()


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
        rules.allow(name, _is(0, os.getpid()))
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

    def load(self) -> None:
        try:
            self._filter.set_attr(Attr.CTL_OPTIMIZE, 2)
        except OSError:
            pass  # libseccomp before 2.5: the filter is longer to walk through
        self._filter.load()
