"""What a QEMU binary says of itself, asked without libvirt.

libvirt takes the D-Bus display for granted where QEMU's schema names it, but the display is a module, often in a
package of its own: without it QEMU ends with "Parameter 'type' does not accept value 'dbus'" [QEMU 10.0, libvirt 11.3].
"""

import os
import subprocess
from pathlib import Path

PROBE_S = 20.0
NOBODY = 65534


def display_backends(emulator: Path, limit_s: float = PROBE_S) -> frozenset[str] | None:
    """The ``-display`` types that a QEMU can load, as it tells itself: it tries each of its modules. None
    where it cannot be run. Root runs it as nobody, since whoever may define domains chooses the program."""
    nobody = NOBODY if os.geteuid() == 0 else None
    try:
        done = subprocess.run(
            [emulator, "-display", "help"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            user=nobody,
            group=nobody,
            extra_groups=None if nobody is None else [],
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return frozenset(done.stdout.split()) if done.returncode == 0 else None
