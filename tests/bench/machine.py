"""The machine and the versions with which figures were measured."""

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
NOVNC_VARIABLE = "LIBVIRT_WEBRTC_BENCH_NOVNC"
NOVNC_FOLDER = "/usr/share/novnc"
"""Where Debian's package novnc has its files."""
NO_NOVNC = f"not in {NOVNC_FOLDER} (apt install novnc, or name its folder in {NOVNC_VARIABLE})"


def machine() -> dict[str, Any]:
    """Describe the machine, and how busy it is now: figures of a busy one say little."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": memory >> 20,
        "kernel": platform.release(),
        "system": _system(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def versions(browser: str | None = None) -> dict[str, str]:
    """Return the version of every part that has a share in the figures."""
    number = libvirt.getVersion()
    return {
        "libvirt_webrtc": libvirt_webrtc.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        **{package: version(package) for package in ("aiortc", "aioice", "av")},
        "qemu": ".".join(map(str, emulators()[0].version)),
        "libvirt": f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}",
        **({"browser": browser, "novnc": _novnc()} if browser is not None else {}),
    }


def novnc_folder() -> Path | None:
    """Return the folder with noVNC's files; None where it is not installed."""
    folder = Path(os.environ.get(NOVNC_VARIABLE, NOVNC_FOLDER))
    return folder if (folder / "core" / "rfb.js").is_file() else None


def _novnc() -> str:
    folder = novnc_folder()
    if folder is None:
        return NO_NOVNC
    command = ["dpkg-query", "--show", "--showformat=${Version}", "novnc"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return f"in {folder}"
    return done.stdout


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
