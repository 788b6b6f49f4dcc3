"""The desktop guest, and what it tells by its serial port."""

import re
from pathlib import Path

import numpy as np

from examples.guests.layout import Rgb
from tests.e2e.viewer import wait_for
from tests.support.guests import GuestFactory

ROOT_COLOUR = (0x20, 0x40, 0x80)
"""Of the desktop behind its window."""
BOOT_S = 300.0
"""An emulated desktop on a busy machine."""
WITHIN = 12
"""Steps of a channel that a codec may be off on a flat area."""


class Desktop:
    """A running domain with the desktop."""

    def __init__(self, make_guest: GuestFactory, folder: Path, serial: Path, options: str) -> None:
        self._serial = serial

        def edit(xml: str) -> str:
            for pattern, text in (
                (r"(<memory [^>]*>)\d+", r"\g<1>512"),
                (r"<kernel>.*</kernel>", f"<kernel>{folder}/vmlinuz</kernel>"),
                (r"<initrd>.*</initrd>", f"<initrd>{folder}/initrd</initrd>"),
                (r"<serial type=.pty./>", f"<serial type='file'><source path='{serial}'/></serial>"),
                (
                    r"(</emulator>)",
                    # Read by everybody and written by nobody: libvirt need not, and must not, make it QEMU's own.
                    r"\1<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
                    rf"<source file='{folder}/disk'><seclabel model='dac' relabel='no'/></source>"
                    r"<target dev='vda' bus='virtio'/><readonly/></disk>",
                ),
            ):
                xml, changed = re.subn(pattern, text, xml)
                assert changed == 1, pattern
            return xml

        self.guest = make_guest("linux", options=options, edit=edit)

    def told(self, word: str) -> list[str]:
        """What it told so far, of one kind: ready, size, typed, button."""
        lines = self._serial.read_text(errors="replace").splitlines()
        return [rest for first, _, rest in (line.partition(" ") for line in lines) if first == word]

    async def tells(self, word: str, wanted: list[str]) -> None:
        """Wait until the last of what it told is this."""

        async def heard() -> bool:
            return self.told(word)[-len(wanted) :] == wanted

        await wait_for(heard, f"the desktop tells of {word}: {wanted}")

    async def is_ready(self, times: int = 1) -> None:
        """Wait until its window is there, for the so manieth time."""

        async def ready() -> bool:
            return len(self.told("ready")) >= times

        await wait_for(ready, "the desktop is ready", BOOT_S)


def fills(rgb: Rgb, width: int, height: int) -> bool:
    """Whether the desktop's colour reaches the corners of a picture of this size: its window is in none of them."""
    if rgb.shape != (height, width, 3):
        return False
    corners = rgb[[2, 2, -3, -3], [2, -3, 2, -3]].astype(np.int16)
    return bool((np.abs(corners - ROOT_COLOUR) <= WITHIN).all())
