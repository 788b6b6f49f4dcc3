"""Whether OpenGL displays are worth it on this machine, found out in processes that end."""

import logging
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from libvirt_webrtc.display.gl.renderer import is_software

log = logging.getLogger(__name__)

DRI = Path("/dev/dri")
TIMEOUT_S = 20.0
"""For starting Python and a driver; more than enough unless the driver hangs."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A driver was tried."""

    passed: bool
    found: str
    """Its name, or what is wrong."""


def can_render(folder: Path = DRI, *command: str) -> bool:
    """Whether there are render nodes, and each passes :func:`try_node`. Blocking.

    Each, because libvirt chooses one of them; a guest whose QEMU gets one that it cannot draw with does not start.

    Args:
        command: see :func:`try_node`.
    """
    nodes = sorted(folder.glob("renderD*"))
    return bool(nodes) and all([_passes(node, *command) for node in nodes])


def try_node(node: Path, *command: str) -> Trial:
    """Do what QEMU does at its start with gl=on. Blocking.

    A node behind which the processor draws (a virtual machine's, vgem) does not pass: that is slower than no OpenGL.

    Args:
        command: in the place of the test; prints the renderer's name, or ends with what is wrong and not with 0.
    """
    command = command or (sys.executable, "-m", "libvirt_webrtc.display.gl.render_trial")
    passes, found = _run(*command, str(node))
    return Trial(passes and not is_software(found), found)


def try_reading(device: str, *command: str) -> Trial:
    """Do what a worker does at the first picture of gl=on; ``device`` is the settings' ``gl_device``. Blocking."""
    command = command or (sys.executable, "-m", "libvirt_webrtc.display.gl.read_trial")
    return Trial(*_run(*command, device))


def _passes(node: Path, *command: str) -> bool:
    trial = try_node(node, *command)
    if not trial.passed:
        log.info("displays are without OpenGL, because of %s: %s", node, trial.found)
    return trial.passed


def _run(*command: str) -> tuple[bool, str]:
    """Whether it ended with 0, and what it printed then; else what is wrong."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False, "its driver hangs"
    if done.returncode == 0:
        return True, done.stdout.decode(errors="replace").strip()
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return False, said[-1] if said else f"its driver crashes (status {done.returncode})"
