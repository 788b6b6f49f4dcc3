"""What somebody who has taken a worker over would try, as docs/security.md puts it."""

from functools import partial

from tests.worker.sandbox import on_files, on_machine, on_others
from tests.worker.sandbox.syscalls import GETPID, X32, number
from tests.worker.sandbox.target import Target, Try


def attempts(target: Target) -> dict[str, dict[str, Try]]:
    """What is tried, as docs/security.md puts it, and the means."""
    return {
        "connect to libvirt's socket, or another Unix socket": dict(on_others.unix_sockets(target.place)),
        "read the token, the configuration, the state folder": dict(on_others.reading(target.place)),
        "read the memory of the service, or of another worker": dict(on_others.memory(target)),
        "take a descriptor from one of them": dict(on_others.descriptors(target)),
        "signal one of them": dict(on_others.signals(target)),
        "slow one of them down": dict(on_others.scheduling(target)),
        "run a program": dict(on_machine.programs()),
        "start a process": dict(on_machine.processes()),
        "write, make, rename or remove a file": dict(on_files.writing(target.place)),
        "listen on TCP, connect by TCP": dict(on_machine.tcp(target.place)),
        "make a raw, packet, vsock or netlink socket": dict(on_machine.other_sockets()),
        "make a namespace, or enter one": dict(on_machine.namespaces()),
        "mount, change its root": dict(on_machine.mounts(target.place)),
        "use bpf, perf, userfaultfd, io_uring": dict(on_machine.machinery()),
        "use the kernel's key rings": dict(on_machine.keys()),
        "become root, or get a group or capability": dict(on_machine.rights()),
        "load a module, another kernel, reach I/O ports": dict(on_machine.kernel()),
        "open a device (KVM, memory, FUSE, a disk, a terminal)": dict(on_machine.devices()),
        "type into the terminal, or command the console": dict(on_machine.terminal()),
        "make calls in x32's numbers": {"getpid": partial(number, X32 + GETPID)},
    }
