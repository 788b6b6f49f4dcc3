"""Running demo guests for the tests of this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.guests.qmp import Guest
from tests.support.emulators import Emulator

NONCE = 0xCAFE1234
Boot = Callable[..., Guest]

DEVICES = {
    "baremetal": ("-m", "32", "-vga", "std"),
    "linux": (
        *("-m", "128", "-device", "virtio-vga"),
        *("-device", "virtio-tablet-pci", "-device", "virtio-keyboard-pci"),
    ),
}


@pytest.fixture
def boot(guests: Path, emulator: Emulator) -> Iterator[Boot]:
    """Boots a guest by kind ("baremetal", "linux") and further options; it ends with the test."""
    with ExitStack() as running:

        def start(kind: str, options: str = "run=still") -> Guest:
            line = f"nonce={NONCE:08X} {options}"
            image: tuple[str, ...]
            if kind == "baremetal":
                image = ("-kernel", str(guests / "baremetal.elf"), "-append", line)
            else:
                image = (
                    *("-kernel", str(guests / "linux.vmlinuz"), "-initrd", str(guests / "linux.initrd")),
                    *("-append", f"console=ttyS0 quiet {line}"),
                )
            guest = running.enter_context(Guest(*image, *DEVICES[kind], emulator=str(emulator.path)))
            guest.wait_serial("demo: ready")
            return guest

        yield start
