"""The XML of a guest that was saved or that migrates, as libvirt hands it to a hook.

Pure. It is the migratable form of the live XML (without ids, aliases and labels), a plain <domain>: the cookie of a
saved image or of a migration is kept apart from it and no hook sees it [libvirt 11.3].
"""

import re

from lxml import etree

from libvirt_webrtc.domains.definition.document import Document

# <state folder>/dbus/<id>-<name>-dbus.sock (src/qemu/qemu_dbus.c). An address that somebody chose looks otherwise.
_PRIVATE_BUS = re.compile(r"unix:path=/.*/libvirt/qemu/(?:run/)?dbus/\d+-[^/,;]*-dbus\.sock")
_X86 = frozenset({"x86_64", "i686"})


def has_private_bus(document: Document) -> bool:
    """Whether the guest's display is on a bus that libvirt started for it, and that has ended where the guest has."""
    return bool(_on_private_bus(document))


def drop_private_bus(document: Document) -> Document:
    """The guest without the address of a bus that libvirt started for it and that has ended with it.

    libvirt saves that address, takes it for a chosen one when it restores, and starts no bus: QEMU ends with "failed
    to connect to DBus" [libvirt 11.3]. Without the address it starts one. A guest that needs no change is returned as
    it is.
    """
    if not _on_private_bus(document):
        return document
    edited = document.edit()
    for graphics in _on_private_bus(edited):
        del graphics.attrib["address"]
    return edited


def takes_another_display(document: Document) -> bool:
    """Whether one more <graphics> gives the guest no other new device, which its saved memory knows nothing of.

    With the first <graphics> of a domain libvirt adds a video device where there is none, and on some machines that
    are not x86 a keyboard and a mouse, and then refuses: "Target domain video card count 1 does not match source 0"
    [libvirt 11.3].
    """
    root = document.root
    if root.find("devices/video") is None:
        return False
    return root.find("devices/graphics") is not None or _architecture(root) in _X86


def _on_private_bus(document: Document) -> list[etree._Element]:
    return [
        graphics
        for graphics in document.root.findall("devices/graphics[@type='dbus'][@address]")
        if _PRIVATE_BUS.fullmatch(graphics.get("address") or "")
    ]


def _architecture(root: etree._Element) -> str | None:
    kind = root.find("os/type")
    return None if kind is None else kind.get("arch")
