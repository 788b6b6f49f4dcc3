"""Attempts on other processes and their files. Each is harmless where it works."""

import ctypes
import fcntl
import os
import resource
import signal
import socket
from functools import partial

from tests.worker.sandbox.place import Place
from tests.worker.sandbox.syscalls import call, number, open_and_close
from tests.worker.sandbox.target import Target, Tries, Victim

_F_SETSIG = 10
_PTRACE_SEIZE = 0x4206


def unix_sockets(place: Place) -> Tries:
    def connect() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.connect(place.socket)

    def send() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", place.log_socket)

    def send_from_pair() -> None:
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with one, other:
            one.sendto(b"x", place.log_socket)

    def hidden_family() -> None:
        # The kernel takes an int, the register has 64 bits.
        os.close(number(41, socket.AF_UNIX | 1 << 32, socket.SOCK_STREAM, 0))

    yield "connect", connect
    yield "sendto", send
    yield "sendto from a pair", send_from_pair
    yield "with other upper bits", hidden_family


def reading(place: Place) -> Tries:
    for path in (place.token, place.config):
        yield path.rpartition("/")[2], partial(open_and_close, path, os.O_RDONLY)
    yield "listdir", lambda: os.listdir(place.folder)
    yield "/etc/shadow", partial(open_and_close, "/etc/shadow", os.O_RDONLY)


def memory(target: Target) -> Tries:
    for name, victim in zip(("service", "worker"), target.victims, strict=True):
        yield f"/proc/{name}/mem", partial(_read_proc, victim)
        yield (
            f"/proc/{name}/environ",
            partial(open_and_close, f"/proc/{victim.pid}/environ", os.O_RDONLY),
        )
        yield f"process_vm_readv {name}", partial(_read_vm, victim)
        yield f"ptrace {name}", partial(call, "ptrace", _PTRACE_SEIZE, victim.pid, 0, 0)


def _read_proc(victim: Victim) -> None:
    fd = os.open(f"/proc/{victim.pid}/mem", os.O_RDONLY)
    try:
        os.pread(fd, victim.length, victim.address)
    finally:
        os.close(fd)


def _read_vm(victim: Victim) -> None:
    buffer = ctypes.create_string_buffer(victim.length)
    ours = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), victim.length)
    theirs = (ctypes.c_size_t * 2)(victim.address, victim.length)
    call("process_vm_readv", victim.pid, ctypes.addressof(ours), 1, ctypes.addressof(theirs), 1, 0)


def descriptors(target: Target) -> Tries:
    for victim in target.victims:

        def get(victim: Victim = victim) -> None:
            pidfd = call("pidfd_open", victim.pid, 0)
            os.close(call("pidfd_getfd", pidfd, 0, 0))

        yield f"pidfd_getfd {victim.pid}", get
        yield f"/proc/{victim.pid}/fd", partial(os.listdir, f"/proc/{victim.pid}/fd")


def signals(target: Target) -> Tries:
    for name, victim in zip(("service", "worker"), target.victims, strict=True):
        pid = victim.pid

        def own(pid: int = pid) -> None:
            one, other = socket.socketpair()
            with one, other:
                fcntl.fcntl(one, _F_SETSIG, signal.SIGURG)
                fcntl.fcntl(one, fcntl.F_SETOWN, pid)

        yield f"kill {name}", partial(os.kill, pid, signal.SIGCONT)
        yield f"tkill {name}", partial(call, "tkill", pid, signal.SIGCONT)
        yield f"tgkill {name}", partial(call, "tgkill", pid, pid, signal.SIGCONT)
        yield f"F_SETOWN {name}", own
        yield (
            f"pidfd {name}",
            partial(_signal_by_pidfd, pid),
        )
    yield "kill everybody", lambda: os.kill(-1, 0)
    yield "kill the group", lambda: os.kill(0, 0)


def _signal_by_pidfd(pid: int) -> None:
    signal.pidfd_send_signal(call("pidfd_open", pid, 0), signal.SIGCONT)


def scheduling(target: Target) -> Tries:
    pid = target.service.pid
    yield "setpriority", lambda: os.setpriority(os.PRIO_PROCESS, pid, 19)
    yield "sched_setaffinity", lambda: os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
    yield "prlimit", lambda: resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
