"""Small domains for tests of what libvirt says, not of what a guest shows."""

import uuid
from collections.abc import Callable

from tests.support.guests import define, remove
from tests.support.libvirtd import virsh

VNC = "<graphics type='vnc' port='-1' autoport='yes'/>"
DBUS = "<graphics type='dbus' p2p='yes'/>"
VIDEO = "<video><model type='vga'/></video>"

MakeDomain = Callable[..., str]
"""As :meth:`DomainFactory.__call__`."""


def domain_xml(name: str, devices: str = VNC + VIDEO, identity: str = "", metadata: str = "") -> str:
    """A domain without a disk: its firmware looks for one for ever."""
    return f"""
        <domain type='qemu'>
          <name>{name}</name><uuid>{identity or uuid.uuid4()}</uuid>{metadata}
          <memory unit='MiB'>32</memory>
          <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
          <devices>{devices}</devices>
        </domain>"""


class DomainFactory:
    """Makes domains in the private libvirtd; :meth:`close` removes them all."""

    def __init__(self) -> None:
        self._made: list[str] = []

    def __call__(
        self, name: str, devices: str = VNC + VIDEO, *, transient: bool = False, metadata: str = ""
    ) -> str:
        """Define a domain, or with ``transient`` create one; returns its UUID."""
        identity = str(uuid.uuid4())
        xml = domain_xml(name, devices, identity, metadata)
        self._made.append(identity)
        if transient:
            virsh("create", "/dev/stdin", stdin=xml)
        else:
            define(xml)
        return identity

    def close(self) -> None:
        while self._made:
            remove(self._made.pop())
