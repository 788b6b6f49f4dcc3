"""Give a domain the console, or take it away: a change of its persistent definition.

Blocking, as the command line calls it; a running domain goes on as it is until its next start.

libvirt has no compare-and-swap for definitions. The definition is read (INACTIVE, or what a running domain
happens to have would be written; SECURE, or passwords would be lost) right before it is written again, and not
written at all where it is as it should be. It is not validated against the schema: libvirt itself wrote all of
it but one element, and parses that strictly; a flaw in its schema must not keep a domain from its console.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from libvirt_webrtc.domains.libvirt_api import (
    XML_INACTIVE,
    XML_SECURE,
    VirConnect,
    VirDomain,
    lookup,
    our_errors,
)
from libvirt_webrtc.domains.xml import (
    DbusDisplay,
    Gl,
    add_dbus_display,
    find_dbus_display,
    remove_dbus_display,
)
from libvirt_webrtc.errors import HypervisorError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a domain."""

    uuid: str
    name: str
    changed: bool
    """Its definition was written anew."""
    running: bool
    """A change counts from the next start on."""
    managed_save: bool
    """Its next start restores a saved state, with the display it had then; the one after that counts."""
    display: DbusDisplay | None
    """Of the definition as it is now."""


def enable(connection: VirConnect, name_or_uuid: str, gl: Gl = Gl.AUTO) -> Outcome:
    """Add the D-Bus display.

    Raises NoSuchDomain; DomainXMLError where the display would break the domain; HypervisorError where it is
    transient, where its QEMU has no such display, or where libvirt refuses.
    """

    domain = _persistent(connection, name_or_uuid)
    with our_errors(f"cannot change domain '{domain.name()}'"):
        definition = _definition(domain)
        if add_dbus_display(definition, gl=gl) != definition:
            _check_emulator(connection, definition)
        return _redefine(connection, domain, lambda xml: add_dbus_display(xml, gl=gl))


def disable(connection: VirConnect, name_or_uuid: str) -> Outcome:
    """Remove the D-Bus display if it is ours. Raises as :func:`enable`."""
    domain = _persistent(connection, name_or_uuid)
    with our_errors(f"cannot change domain '{domain.name()}'"):
        return _redefine(connection, domain, remove_dbus_display)


def _persistent(connection: VirConnect, name_or_uuid: str) -> VirDomain:
    domain = lookup(connection, name_or_uuid)
    with our_errors(f"cannot read domain '{name_or_uuid}'"):
        if not domain.isPersistent():
            raise HypervisorError(
                f"domain '{domain.name()}' is transient: it has no definition to change; "
                "put the display into the XML that it is created from ('libvirt-webrtc xml add')"
            )
    return domain


def _redefine(connection: VirConnect, domain: VirDomain, change: Callable[[str], str]) -> Outcome:
    before = _definition(domain)
    after = change(before)
    if after != before:
        connection.defineXMLFlags(after, 0)
    return Outcome(
        uuid=domain.UUIDString(),
        name=domain.name(),
        changed=after != before,
        running=bool(domain.isActive()),
        managed_save=bool(domain.hasManagedSaveImage()),
        display=find_dbus_display(after),
    )


def _definition(domain: VirDomain) -> str:
    return domain.XMLDesc(XML_INACTIVE | XML_SECURE)


def _check_emulator(connection: VirConnect, xml: str) -> None:
    """Refuse where libvirt knows that this domain's QEMU has no D-Bus display: it would not start any more."""
    root = etree.fromstring(xml.encode())
    emulator, kind = root.findtext("devices/emulator"), root.find("os/type")
    arch, machine = (kind.get("arch"), kind.get("machine")) if kind is not None else (None, None)
    capabilities = connection.getDomainCapabilities(emulator, arch, machine, root.get("type"))
    supported = etree.fromstring(capabilities.encode()).findall(
        "devices/graphics[@supported='yes']/enum[@name='type']/value"
    )
    if "dbus" not in {value.text for value in supported}:
        raise HypervisorError(
            f"{emulator or 'the QEMU of this domain'} has no D-Bus display: it takes QEMU 7.0 or later, "
            "built with it, and libvirt 8.4 or later"
        )
