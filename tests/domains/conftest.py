"""Small domains for tests of what libvirt says, not of what a guest shows."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from libvirt_webrtc.domains.libvirt_api import VirConnect, open_connection
from tests.support.guests import define, remove
from tests.support.libvirtd import virsh

VNC = "<graphics type='vnc' port='-1' autoport='yes'/>"
DBUS = "<graphics type='dbus' p2p='yes'/>"
VIDEO = "<video><model type='vga'/></video>"

MakeDomain = Callable[..., str]


def domain_xml(name: str, devices: str = VNC + VIDEO, identity: str = "", metadata: str = "") -> str:
    """A domain without a disk: its firmware looks for one for ever."""
    return f"""
        <domain type='qemu'>
          <name>{name}</name><uuid>{identity or uuid.uuid4()}</uuid>{metadata}
          <memory unit='MiB'>32</memory>
          <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
          <devices>{devices}</devices>
        </domain>"""


@pytest.fixture
def make_domain(libvirt_uri: str) -> Iterator[MakeDomain]:
    """Defines a domain, or with ``transient`` creates one; gives its UUID."""
    made = []

    def make(name: str, devices: str = VNC + VIDEO, *, transient: bool = False, metadata: str = "") -> str:
        identity = str(uuid.uuid4())
        xml = domain_xml(name, devices, identity, metadata)
        made.append(identity)
        if transient:
            virsh("create", "/dev/stdin", stdin=xml)
        else:
            define(xml)
        return identity

    yield make
    for identity in made:
        remove(identity)


@pytest.fixture
def hypervisor(libvirt_uri: str) -> Iterator[VirConnect]:
    """A blocking connection."""
    connection = open_connection(libvirt_uri)
    yield connection
    connection.close()
