"""Demo guests of known nonce under a bare QEMU."""

from collections.abc import Callable
from pathlib import Path

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


def boot_guest(guests: Path, emulator: Emulator, kind: str, options: str = "run=still") -> Guest:
    """Start a guest of a kind ("baremetal", "linux"); the caller ends it."""
    line = f"nonce={NONCE:08X} {options}"
    image: tuple[str, ...]
    if kind == "baremetal":
        image = ("-kernel", str(guests / "baremetal.elf"), "-append", line)
    else:
        image = (
            *("-kernel", str(guests / "linux.vmlinuz"), "-initrd", str(guests / "linux.initrd")),
            *("-append", f"console=ttyS0 quiet {line}"),
        )
    return Guest(*image, *DEVICES[kind], emulator=str(emulator.path))
