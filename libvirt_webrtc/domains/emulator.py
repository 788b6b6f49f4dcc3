"""Ask a QEMU binary which displays it has, without libvirt.

libvirt takes the D-Bus display for granted where QEMU's schema names it, but the display is a module, often in a
package of its own: without it QEMU ends with "Parameter 'type' does not accept value 'dbus'" [QEMU 10.0, libvirt 11.3].
"""

import os
from pathlib import Path

from libvirt_webrtc.concurrency.processes import run_bounded

PROBE_S = 20.0
NOBODY = 65534


def display_backends(emulator: Path, limit_s: float = PROBE_S) -> frozenset[str] | None:
    """The ``-display`` types that a QEMU can load, by ``-display help``, which tries each of its modules.

    Takes at most ``limit_s``; None where it cannot be run. Root runs it as nobody: whoever may define domains chooses
    the program.
    """
    try:
        done = run_bounded(
            [emulator, "-display", "help"],
            limit_s,
            folder="/",
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            user=NOBODY if os.geteuid() == 0 else None,
        )
    except OSError:
        return None
    return frozenset(done.output.decode(errors="replace").split()) if done.status == 0 else None
