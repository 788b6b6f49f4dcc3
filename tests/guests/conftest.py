"""Running demo guests for the tests of this folder."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.guests.boot import Boot, boot_guest
from tests.guests.qmp import Guest
from tests.support.emulators import Emulator


@pytest.fixture
def boot(guests: Path, emulator: Emulator) -> Iterator[Boot]:
    """Boots a guest by kind ("baremetal", "linux") and further options; it ends with the test."""
    with ExitStack() as running:

        def start(kind: str, options: str = "run=still") -> Guest:
            guest = running.enter_context(boot_guest(guests, emulator, kind, options))
            guest.wait_serial("demo: ready")
            return guest

        yield start
