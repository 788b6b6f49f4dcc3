"""What a test leaves behind: processes, open file descriptors, libvirt domains."""

import gc
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.libvirtd import in_private_world

SETTLE_S = 15.0
"""How long processes and descriptors that end by themselves may take, in seconds."""

SESSION_DAEMONS = frozenset({"virtlogd", "libvirtd"})
"""The private ones, which last the session; a test may have restarted them."""

DOMAIN_FOLDERS = (Path("/etc/libvirt/qemu"), Path("/run/libvirt/qemu"))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The processes, descriptors and domains of one moment."""

    processes: dict[int, str]
    """Command by pid of every process of ours; in the private world of every process at all, so that a daemon
    that left its parent is seen too. The command changes while a program is started."""
    descriptors: frozenset[tuple[int, str]]
    """The descriptors of this process: number and target."""
    domains: frozenset[str]

    @classmethod
    def take(cls) -> "Snapshot":
        return cls(_processes(), _descriptors(), _domains())


def left_since(before: Snapshot, settle_s: float = SETTLE_S) -> list[str]:
    """Return a line for each thing that was not there ``before``, is there now, and does not end by itself."""
    deadline = time.monotonic() + settle_s
    while True:
        now = Snapshot.take()
        started = sorted(now.processes.keys() - before.processes.keys())
        left = [f"process {pid}: {now.processes[pid]}" for pid in started]
        left += [f"fd {number}: {target}" for number, target in sorted(now.descriptors - before.descriptors)]
        left += [f"domain file {path}" for path in sorted(now.domains - before.domains)]
        if not left or time.monotonic() > deadline:
            return left
        # What only a caught exception's traceback still holds is not left behind.
        gc.collect()
        time.sleep(0.05)


def _processes() -> dict[int, str]:
    parents: dict[int, tuple[int, str]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with suppress(OSError):
            stat = (entry / "stat").read_text()
            command = (entry / "cmdline").read_text().replace("\0", " ").strip() or stat.split("(")[1].split(
                ")"
            )[0]
            parents[int(entry.name)] = (int(stat.rpartition(")")[2].split()[1]), command)
    worker_supervisors = _multiprocessing_helpers()
    return {
        pid: command
        for pid, (parent, command) in parents.items()
        if pid != os.getpid()
        and pid not in worker_supervisors
        and command not in SESSION_DAEMONS
        and (in_private_world() or _is_ours(parent, parents))
    }


def _is_ours(parent: int, parents: dict[int, tuple[int, str]]) -> bool:
    while parent in parents and parent != os.getpid():
        parent = parents[parent][0]
    return parent == os.getpid()


def _descriptors() -> frozenset[tuple[int, str]]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        # The folder's own, open only while it is listed.
        with suppress(FileNotFoundError):
            found.add((int(name), os.readlink(f"/proc/self/fd/{name}")))
    return frozenset(item for item in found if not _lasts(*item))


def _lasts(number: int, target: str) -> bool:
    """Whether a descriptor belongs to something that is made once and lasts as long as the process."""
    if number in _multiprocessing_descriptors():
        return True
    # libvirt's event loop has one eventfd to be woken by; asyncio and PyAV use none.
    return "libvirt" in sys.modules and target == "anon_inode:[eventfd]"


def _multiprocessing_modules() -> list[Any]:
    # Only what is loaded: asking must not start them.
    forkserver = sys.modules.get("multiprocessing.forkserver")
    tracker = sys.modules.get("multiprocessing.resource_tracker")
    return [forkserver and forkserver._forkserver, tracker and tracker._resource_tracker]


def _multiprocessing_helpers() -> set[int | None]:
    """The fork server and the resource tracker: one each, until this process ends."""
    forkserver, tracker = _multiprocessing_modules()
    return {forkserver and forkserver._forkserver_pid, tracker and tracker._pid}


def _multiprocessing_descriptors() -> set[int | None]:
    forkserver, tracker = _multiprocessing_modules()
    return {forkserver and forkserver._forkserver_alive_fd, tracker and tracker._fd}


def _domains() -> frozenset[str]:
    if not in_private_world():
        return frozenset()
    files = [path for folder in DOMAIN_FOLDERS for path in folder.glob("*.xml")]
    return frozenset(str(path) for path in files)
