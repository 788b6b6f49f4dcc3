"""The QEMU binaries that tests run: the installed one, and on Debian 12 a second one unpacked beside it."""

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

EMULATORS_VARIABLE = "LIBVIRT_WEBRTC_TEST_EMULATORS"
"""Paths with colons between them, the installed one first; set by tests/run.sh."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """One qemu-system-x86_64."""

    path: Path
    version: tuple[int, int]

    @property
    def name(self) -> str:
        """As test ids show it: ``qemu-10.0``."""
        return f"qemu-{self.version[0]}.{self.version[1]}"

    @property
    def maps_scanouts(self) -> bool:
        """Whether it can hand a picture over as shared memory (``Listener.Unix.Map``)."""
        return self.version >= (9, 2)


@functools.cache
def emulators() -> tuple[Emulator, ...]:
    """All that are here, the installed one first; empty where there is none."""
    named = os.environ.get(EMULATORS_VARIABLE) or shutil.which("qemu-system-x86_64") or ""
    return tuple(_emulator(Path(path)) for path in named.split(":") if path)


def _emulator(path: Path) -> Emulator:
    text = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\d+)\.(\d+)", text)
    assert found, f"{path} tells no version: {text!r}"
    return Emulator(path, (int(found[1]), int(found[2])))
