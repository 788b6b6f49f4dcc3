"""What the figures were measured on, and with."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import libvirt

import libvirt_webrtc
from tests.support.emulators import emulators

CHECKOUT = Path(__file__).parents[2]


def machine() -> dict[str, Any]:
    """The machine, and how busy it is now: figures of a busy one say little."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": memory >> 20,
        "kernel": platform.release(),
        "system": _system(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def versions(chromium: str | None = None) -> dict[str, str]:
    """Of every part that has a share in the figures."""
    number = libvirt.getVersion()
    return {
        "libvirt_webrtc": libvirt_webrtc.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        **{package: version(package) for package in ("aiortc", "aioice", "av")},
        "qemu": ".".join(map(str, emulators()[0].version)),
        "libvirt": f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}",
        **({"chromium": chromium} if chromium is not None else {}),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")


def _commit() -> str:
    """The checkout's, marked ``-dirty`` when something is not committed; ``unknown`` without git."""
    command = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
