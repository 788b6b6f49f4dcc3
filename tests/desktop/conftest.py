"""A guest with a real desktop, of Debian's packages."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.desktop.desktop import Desktop
from tests.support.guests import GuestFactory

DESKTOP_VARIABLE = "LIBVIRT_WEBRTC_TEST_DESKTOP"
"""Folder with its kernel, initrd and disk; set by ``tests/run.sh --long``."""


@pytest.fixture
def make_desktop(make_guest: GuestFactory, tmp_path: Path) -> Iterator[Callable[..., Desktop]]:
    """Starts one, with further words on its kernel's command line if given."""
    folder, serial = os.environ.get(DESKTOP_VARIABLE), tmp_path / "serial"
    if not folder:
        pytest.skip("needs the desktop's disk: run tests/run.sh --long as root")

    def make(options: str = "") -> Desktop:
        return Desktop(make_guest, Path(folder), serial, options)

    yield make
    # Shown where the test failed.
    print(f"--- what the desktop told\n{serial.read_text(errors='replace') if serial.exists() else ''}")
