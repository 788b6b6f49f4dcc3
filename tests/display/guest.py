"""Real QEMUs that run the boot sector of keys_and_modes.s."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from libvirt_webrtc.display.console import Console
from libvirt_webrtc.display.listener import Listener
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.display.sink import Sink
from tests.support.emulators import Emulator
from tests.support.qmp import DEADLINE_S, Qemu

F1, F2, F3, F4, F5 = range(0x3B, 0x40)


class Guest(Qemu):
    """A QEMU that runs the boot sector; what the keyboard sent is in ``scan_codes``."""

    def __init__(self, disk: Path, emulator: Emulator, *arguments: str, display: str = "dbus,p2p=on") -> None:
        super().__init__(
            *("-device", "VGA", "-drive", f"file={disk},format=raw,if=ide,snapshot=on"),
            *arguments,
            emulator=str(emulator.path),
            display=display,
        )
        self._log = self.folder / "debugcon"
        self._arguments += ("-debugcon", f"file:{self._log}")

    def scan_codes(self) -> bytes:
        """All since the guest runs; empty before."""
        _, ready, codes = self._log.read_bytes().partition(b"!") if self._log.exists() else (b"", b"", b"")
        return ready and codes

    def has_read(self, count: int) -> bool:
        return len(self.scan_codes()) >= count

    async def booted(self) -> None:
        await eventually(lambda: self._log.exists() and b"!" in self._log.read_bytes(), "the guest runs")


async def eventually(probe: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not probe():
        assert time.monotonic() < end, f"{what}: never happened"
        await asyncio.sleep(0.02)


async def show(console: Console) -> Listener:
    listener = Listener(Framebuffer(), Sink())
    await console.register_listener(listener)
    return listener


async def tap(console: Console, *qnums: int) -> None:
    for qnum in qnums:
        await console.keyboard.press(qnum)
        await console.keyboard.release(qnum)


def size(listener: Listener) -> tuple[int, int] | None:
    """The picture's; None before the first."""
    picture = listener.framebuffer
    return (picture.width, picture.height) if picture.width else None


def shows(console: Console, listener: Listener, expected: tuple[int, int]) -> bool:
    return size(listener) == expected == (console.width, console.height)
