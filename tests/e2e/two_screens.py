"""A guest with two screens, each with a keyboard and a tablet of its own."""

import json
from typing import Any

from examples.guests.layout import Pointer
from examples.guests.reading import read_pointer

SECOND = {"display": "video0", "head": 1, "bus": "pci.0"}
INPUT = (
    {"driver": "virtio-tablet-pci", "id": "tablet1", "addr": "0x1d", **SECOND},
    {"driver": "virtio-keyboard-pci", "id": "keyboard1", "addr": "0x1e", **SECOND},
)
"""The second screen's own: libvirt has no words for whose a tablet is, and a guest none for one that is everybody's."""


def two_consoles(xml: str) -> str:
    """A domain's XML whose video device has two outputs, each with a keyboard and a tablet."""
    arguments = "".join(
        f"<qemu:arg value='-device'/><qemu:arg value='{json.dumps(device)}'/>" for device in INPUT
    )
    for old, new in (
        ('<model type="virtio"/>', '<model type="virtio" heads="2"/>'),
        ("<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' "),
        ("</domain>", f"<qemu:commandline>{arguments}</qemu:commandline></domain>"),
    ):
        assert old in xml
        xml = xml.replace(old, new, 1)
    return xml


def at(x: int, y: int) -> Any:
    """Whether a picture shows the pointer there."""
    return lambda rgb: (read_pointer(rgb) or Pointer(-1, -1))[:2] == (x, y)
