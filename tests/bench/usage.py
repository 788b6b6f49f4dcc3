"""What a process uses, as the kernel counts it."""

import os
from pathlib import Path


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of its living threads so far, to the nanosecond; ``/proc/PID/stat`` has hundredths of a
    second."""
    return sum(float((task / "schedstat").read_text().split()[0]) for task in _tasks(pid)) / 1e9


def memory_mb(pid: int, *kinds: str) -> float:
    """Return the sum of the named lines of ``smaps_rollup`` (``Pss``, ``Private_Dirty``, ``Rss``) in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}
    return sum(sizes[kind] for kind in kinds) / 1024


def threads(pid: int) -> int:
    return len(list(_tasks(pid)))


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def _tasks(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())
