"""Descriptors, resource limits, and what other processes of the same user may see of this one."""

import os
import resource
from collections.abc import Collection

from libvirt_webrtc.worker.sandbox import libc

MAX_DESCRIPTORS = 4096
"""For 64 viewers with some ten sockets each, and the pictures in QEMU's memory."""

_LIMITS = {
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NOFILE: MAX_DESCRIPTORS,
    resource.RLIMIT_MSGQUEUE: 0,
    resource.RLIMIT_RTPRIO: 0,
    resource.RLIMIT_NICE: 0,
}
"""Not FSIZE: it would count for a log that standard error was redirected to, and nothing else can be written to."""


def lower_limits() -> None:
    """Lower the hard limits, where they are not lower already."""
    for which, most in _LIMITS.items():
        _, hard = resource.getrlimit(which)
        if hard == resource.RLIM_INFINITY or hard > most:
            hard = most
        resource.setrlimit(which, (hard, hard))


def close_other_descriptors(keep: Collection[int]) -> None:
    """Close what was inherited and is not in ``keep``, and leave of the terminal only the way to write to it.

    The fork server hands its children a pipe to the resource tracker, a process that removes shared memory by name,
    and one that keeps the fork server itself alive. Standard input may be a terminal, where somebody types.
    """
    kept = {0, 1, 2, *keep}
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd not in kept:
            _close(fd)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    for fd in (1, 2):
        _make_write_only(fd)


def hide_from_siblings() -> None:
    """Keep processes of the same user from reading this one's memory, descriptors and environment."""
    libc.prctl(libc.PR_SET_DUMPABLE, 0)


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError:
        pass  # the one that listed the folder


def _make_write_only(fd: int) -> None:
    try:
        terminal = os.ttyname(fd)
        writable = os.open(terminal, os.O_WRONLY | os.O_NOCTTY)
    except OSError:
        return  # no terminal, or one that this user may not open (after su): seccomp forbids to type into it
    os.dup2(writable, fd)
    os.close(writable)
