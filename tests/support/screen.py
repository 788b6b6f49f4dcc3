"""What a demo guest shows, by libvirt's screenshot: also of guests without a console."""

from pathlib import Path

import numpy as np
from PIL import Image

from examples.guests.layout import Rgb
from examples.guests.reading import read_key_count
from tests.support.guests import Guest
from tests.support.libvirtd import virsh
from tests.support.waiting import wait_until

DEADLINE_S = 120.0


class Screen:
    """A guest's; ``key_count`` is how one tells that its memory is still the same.

    ``connect`` are virsh's options to reach another libvirtd than the private one.
    """

    def __init__(self, guest: Guest, folder: Path, *, connect: tuple[str, ...] = ()) -> None:
        self.guest = guest
        self._file = folder / f"screen-{guest.name}"
        self._connect = connect

    def key_count(self) -> int | None:
        """Return how many key events the guest has seen; None while its picture is not there."""
        virsh(*self._connect, "screenshot", self.guest.uuid, str(self._file))
        rgb: Rgb = np.asarray(Image.open(self._file).convert("RGB"))
        return read_key_count(rgb)

    def press_until_seen(self, *keys: str) -> int:
        """Press keys (``KEY_A``) one by one, each once the guest shows the one before; its key count then."""
        wait_until(lambda: self.key_count() is not None, "the guest's picture", DEADLINE_S)
        count = self.key_count() or 0
        for key in keys:
            virsh(*self._connect, "send-key", self.guest.uuid, key)
            count += 2
            wait_until(lambda: self.key_count() == count, "the guest counts the key", DEADLINE_S)  # noqa: B023
        return count
