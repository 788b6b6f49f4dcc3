"""The XML that libvirt is to take in place of a saved or migrating domain's. Imports nothing that talks to libvirt."""

import hashlib
from pathlib import Path

from libvirt_webrtc.domains.definition.display import find_dbus_display
from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.domains.definition.policy import Facts, Policy, decide
from libvirt_webrtc.domains.definition.saved import drop_private_bus, takes_another_display
from libvirt_webrtc.domains.emulator import display_backends
from libvirt_webrtc.errors import DomainXMLError

XML_LIMIT = 4 << 20
"""Limit for the XML, in bytes; the same as libvirt's own for a string that comes over its API."""

EMULATOR_LIMIT_S = 1.0
"""Limit for asking QEMU for its displays, in seconds. ``hooks/qemu`` gives this program less than two in all."""


def filtered(data: bytes, policy: Policy) -> bytes | None:
    """The XML that libvirt is to take instead of ``data``; None where the domain is to stay as it is.

    Adds the display where ``policy`` wants it and both the guest and its QEMU can take it, never one with OpenGL: a
    host on which that does not work would not get its guest back. Removes nothing but the address of a dead bus.
    Raises DomainXMLError where ``data`` is no domain, or too long.
    """
    if len(data) > XML_LIMIT:
        raise DomainXMLError(f"its XML is longer than {XML_LIMIT} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise DomainXMLError(f"its XML is not UTF-8 text: {error}") from error
    before = Document.parse(text)
    after = drop_private_bus(before)
    if find_dbus_display(after) is None and takes_another_display(after):
        decision = decide(after, policy, Facts(saved=True))
        display = find_dbus_display(decision.document)
        if display is not None and not display.gl and _can_start_with_it(after):
            after = decision.document
    if after is before:
        return None
    changed = after.text()
    Document.parse(changed)  # libvirt must be able to read it, or the guest does not come back
    return changed.encode()


def _can_start_with_it(document: Document) -> bool:
    """Whether the domain's QEMU has the display. libvirt names the emulator in every saved domain; without one, yes."""
    emulator = document.root.findtext("devices/emulator")
    return emulator is None or "dbus" in (display_backends(Path(emulator), EMULATOR_LIMIT_S) or ())


def sealed(xml: bytes) -> bytes:
    """``xml`` behind a line with its checksum, by which ``hooks/qemu`` knows that it is whole."""
    xml = xml.rstrip(b"\n")  # as the shell does
    return f"libvirt-webrtc {hashlib.sha256(xml).hexdigest()}  -\n".encode() + xml
