"""Attempts on the kernel and the machine. Each is harmless where it works."""

import ctypes
import fcntl
import os
import socket
import termios
from functools import partial

from tests.worker.sandbox.place import Place
from tests.worker.sandbox.syscalls import call, open_and_close
from tests.worker.sandbox.target import Tries

_NAMESPACES = {
    "mount": 0x00020000,
    "cgroup": 0x02000000,
    "UTS": 0x04000000,
    "IPC": 0x08000000,
    "user": 0x10000000,
    "PID": 0x20000000,
    "network": 0x40000000,
}
_DEVICES = (
    "/dev/kvm",
    "/dev/mem",
    "/dev/port",
    "/dev/kmsg",
    "/dev/fuse",
    "/dev/ptmx",
    "/dev/vda",
    "/dev/sda",
)


def programs() -> Tries:
    def run() -> None:
        try:
            pid = os.fork()
        except OSError:
            os.execv("/bin/true", ["true"])
        if pid == 0:
            os.execv("/bin/true", ["true"])
        os.waitpid(pid, 0)

    yield "execve", run
    # It fails with EFAULT where it may be called.
    yield "execveat", lambda: call("execveat", -1, 0, 0, 0, 0)


def processes() -> Tries:
    def fork() -> None:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)

    yield "fork", fork
    yield "clone3", lambda: call("clone3", 0, 0)


def tcp(place: Place) -> Tries:
    def listen() -> None:
        socket.create_server(("127.0.0.1", 0)).close()

    yield "listen", listen
    yield "connect", lambda: socket.create_connection(("127.0.0.1", place.tcp_port), 5).close()


def other_sockets() -> Tries:
    kinds = {
        "raw": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        "packet": (socket.AF_PACKET, socket.SOCK_RAW, 0),
        "vsock": (socket.AF_VSOCK, socket.SOCK_STREAM, 0),
        "netlink audit": (socket.AF_NETLINK, socket.SOCK_RAW, 9),
        "alg": (socket.AF_ALG, socket.SOCK_SEQPACKET, 0),
    }
    for name, kind in kinds.items():
        yield name, partial(_socket, *kind)


def _socket(family: int, kind: int, protocol: int) -> None:
    socket.socket(family, kind, protocol).close()


def namespaces() -> Tries:
    for name, flag in _NAMESPACES.items():
        yield f"unshare {name}", partial(call, "unshare", flag)
        # Without a stack and as a thread: it fails with EINVAL where the flags may be used.
        yield f"clone {name}", partial(call, "clone", flag | 0x10000 | 0x100 | 0x800, 0, 0, 0, 0)
    yield "setns", lambda: call("setns", -1, 0)


def mounts(place: Place) -> Tries:
    folder = place.folder.encode()
    yield "mount", lambda: call("mount", b"none", folder, b"tmpfs", 0, 0)
    yield "umount", lambda: call("umount2", folder, 0)
    yield "fsopen", lambda: os.close(call("fsopen", b"tmpfs", 0))
    yield "open_tree", lambda: os.close(call("open_tree", -100, folder, 0))
    yield "mount_setattr", lambda: call("mount_setattr", -100, folder, 0, 0, 0)
    yield "pivot_root", lambda: call("pivot_root", folder, folder)
    yield "chroot", lambda: os.chroot("/")


def machinery() -> Tries:
    zeros = bytes(128)
    yield "bpf", lambda: call("bpf", 0, zeros, len(zeros))
    yield "perf_event_open", lambda: call("perf_event_open", zeros, 0, -1, -1, 0)
    yield "userfaultfd", lambda: os.close(call("userfaultfd", 1))
    yield "io_uring_setup", lambda: os.close(call("io_uring_setup", 1, bytes(120)))


def keys() -> Tries:
    yield "add_key", lambda: call("add_key", b"user", b"x", b"x", 1, -2)
    yield "request_key", lambda: call("request_key", b"user", b"x", 0, 0)
    yield "keyctl", lambda: call("keyctl", 0, -3, 0)


def rights() -> Tries:
    yield "setuid", lambda: os.setuid(0)
    yield "setresuid", lambda: os.setresuid(0, 0, 0)
    yield "setresgid", lambda: os.setresgid(0, 0, 0)
    yield "setgroups", lambda: os.setgroups([0])
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    every = (ctypes.c_uint32 * 6)(*([0xFFFFFFFF] * 6))
    yield "capset", lambda: call("capset", ctypes.addressof(header), ctypes.addressof(every))


def kernel() -> Tries:
    yield "init_module", lambda: call("init_module", b"x", 1, b"")
    yield "finit_module", lambda: call("finit_module", -1, b"", 0)
    yield "kexec_load", lambda: call("kexec_load", 0, 0, 0, 0xFFFF)
    yield "reboot", lambda: call("reboot", 0, 0, 0, 0)  # not the magic numbers
    yield "iopl", lambda: call("iopl", 3)


def devices() -> Tries:
    for path in filter(os.path.exists, _DEVICES):
        for mode in (os.O_RDONLY, os.O_RDWR):
            yield f"{path} {mode}", partial(open_and_close, path, mode | os.O_NOCTTY)


def terminal() -> Tries:
    """Each fails with ENOTTY where it may be called and standard error is no terminal."""
    for name, command in {
        "TIOCSTI": termios.TIOCSTI,
        "TIOCLINUX": termios.TIOCLINUX,
        "KDSKBSENT": 0x4B49,
        "VT_ACTIVATE": 0x5606,
        "FIOSETOWN": 0x8901,
    }.items():
        yield name, partial(fcntl.ioctl, 2, command, bytes(64))
