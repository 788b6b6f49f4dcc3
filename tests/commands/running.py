"""Runs the program as a process, with a state folder of the test's."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from libvirt_webrtc.config.load import STATE_VARIABLE


def run_command(
    folder: Path, *arguments: str, status: int = 0, prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """What becomes of the command, which must end with ``status``; ``prefix`` is the program that starts it."""
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "libvirt_webrtc", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, STATE_VARIABLE: str(folder)},
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done
