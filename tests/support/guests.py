"""Demo guests as libvirt domains."""

import os
import signal
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Literal

from tests.support.domain_xml import add_dbus_display
from tests.support.emulators import Emulator
from tests.support.libvirtd import virsh
from tests.support.waiting import wait_until

Kind = Literal["baremetal", "linux"]

TEMPLATES = Path(__file__).parents[2] / "examples" / "guests"


@dataclass(frozen=True, slots=True)
class Guest:
    """A defined domain whose guest is a demo guest."""

    name: str
    uuid: str
    kind: Kind
    nonce: str
    """Eight hexadecimal digits that only this guest was told, and that its picture shows."""
    emulator: Emulator

    @property
    def pid(self) -> int:
        """The process id of its QEMU, while it runs."""
        return int(_pid_file(self.name).read_text())

    def start(self) -> None:
        virsh("start", self.uuid)

    def destroy(self) -> None:
        virsh("destroy", self.uuid)

    def xml(self, *flags: str) -> str:
        """Return its XML, as ``virsh dumpxml FLAGS`` prints it."""
        return virsh("dumpxml", self.uuid, *flags)


class GuestFactory:
    """Makes guests; :meth:`close` removes all of them."""

    def __init__(self, files: Path, default: Emulator) -> None:
        self._files = files
        self._default = default
        self._made: list[Guest] = []

    def __call__(
        self,
        kind: Kind = "baremetal",
        *,
        emulator: Emulator | None = None,
        options: str = "",
        display: bool = True,
        start: bool = True,
        name: str | None = None,
        edit: Callable[[str], str] = str,
    ) -> Guest:
        """Define a domain, with the D-Bus display if ``display``, and start it if ``start``.

        ``options`` go to the guest beside its nonce (``mode=1024x768 run=motion``); ``edit`` may change the
        XML before it is defined.
        """
        emulator = emulator or self._default
        identity = str(uuid.uuid4())
        guest = Guest(name or f"test-{identity[:8]}", identity, kind, token_hex(4), emulator)
        xml = (TEMPLATES / f"{kind}.xml.in").read_text()
        for mark, value in (
            ("@NAME@", guest.name),
            ("@UUID@", guest.uuid),
            ("@EMULATOR@", str(emulator.path)),
            ("@DIR@", str(self._files)),
            ("@CMDLINE@", f"nonce={guest.nonce} {options}".rstrip()),
        ):
            xml = xml.replace(mark, value)
        if display:
            xml = add_dbus_display(xml)
        self._made.append(guest)
        define(edit(xml))
        if start:
            guest.start()
        return guest

    def close(self) -> None:
        """Remove every guest made here, whatever state it is in."""
        while self._made:
            remove(self._made.pop().name)


def define(xml: str) -> None:
    """Define a domain from XML text."""
    virsh("define", "/dev/stdin", stdin=xml)


def remove(name: str) -> None:
    """Remove a domain by libvirt; where that fails, kill its QEMU."""
    with suppress(AssertionError):
        virsh("destroy", name)
    if _pid_file(name).exists():
        pid = int(_pid_file(name).read_text())
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), f"the QEMU of {name} is gone")
    with suppress(AssertionError):
        virsh("undefine", name, "--managed-save", "--snapshots-metadata")


def _pid_file(name: str) -> Path:
    return Path("/run/libvirt/qemu") / f"{name}.pid"


def on_private_bus(xml: str) -> str:
    """Add a display on a bus of libvirt's own, beside the displays that the domain has. An ``edit`` of GuestFactory."""
    return xml.replace("<video>", "<graphics type='dbus'/><video>")
