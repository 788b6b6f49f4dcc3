"""The QEMU binaries that tests run: the installed one, and on Debian 12 a second one unpacked beside it."""

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

EMULATORS_VARIABLE = "LIBVIRT_WEBRTC_TEST_EMULATORS"
"""An environment variable with the paths of the QEMUs, the installed one first, joined by colons. tests/run.sh sets
it."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A qemu-system-x86_64."""

    path: Path
    version: tuple[int, int]

    @property
    def name(self) -> str:
        """Its name in the ids of tests: ``qemu-10.0``."""
        return f"qemu-{self.version[0]}.{self.version[1]}"

    @property
    def maps_scanouts(self) -> bool:
        """Whether it can hand a picture over as shared memory (``Listener.Unix.Map``)."""
        return self.version >= (9, 2)


@functools.cache
def emulators() -> tuple[Emulator, ...]:
    """Return all QEMUs of this machine, the installed one first."""
    named = os.environ.get(EMULATORS_VARIABLE) or shutil.which("qemu-system-x86_64") or ""
    return tuple(_emulator(Path(path)) for path in named.split(":") if path)


def _emulator(path: Path) -> Emulator:
    text = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\d+)\.(\d+)", text)
    assert found, f"{path} tells no version: {text!r}"
    return Emulator(path, (int(found[1]), int(found[2])))
