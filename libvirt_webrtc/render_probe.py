"""Whether QEMU can draw with this machine's render nodes, found out in processes that end."""

import logging
import subprocess
import sys
from pathlib import Path

log = logging.getLogger(__name__)

DRI = Path("/dev/dri")
TIMEOUT_S = 20.0
"""For starting Python and a driver; more than enough unless the driver hangs."""


def can_render(folder: Path = DRI, *command: str) -> bool:
    """Whether there are render nodes, and each passes a test that does what QEMU does at its start. Blocking.

    Each, because libvirt chooses one of them; a guest whose QEMU gets one that it cannot draw with does not start.

    Args:
        command: in the place of the test.
    """
    nodes = sorted(folder.glob("renderD*"))
    return bool(nodes) and all([_passes(node, *command) for node in nodes])


def _passes(node: Path, *command: str) -> bool:
    command = command or (sys.executable, "-m", "libvirt_webrtc.display.gl.render_test")
    try:
        done = subprocess.run(
            [*command, str(node)], stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        log.warning("the test of %s hangs: displays are without OpenGL", node)
        return False
    if done.returncode == 0:
        return True
    said = done.stderr.decode(errors="replace").strip().splitlines()
    log.info("QEMU cannot draw with %s: %s", node, said[-1] if said else f"status {done.returncode}")
    return False
