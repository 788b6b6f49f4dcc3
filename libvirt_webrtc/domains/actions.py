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

from libvirt_webrtc.domains.definition.adding import add_dbus_display, remove_dbus_display
from libvirt_webrtc.domains.definition.display import DbusDisplay, Gl, find_dbus_display
from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.domains.definition.policy import Facts, Policy, choose_gl, decide
from libvirt_webrtc.domains.definition.replacing import remove_remote_displays
from libvirt_webrtc.domains.definition.settings import write_settings
from libvirt_webrtc.domains.libvirt_api import (
    XML_INACTIVE,
    XML_SECURE,
    VirConnect,
    VirDomain,
    lookup,
    our_errors,
)
from libvirt_webrtc.errors import HypervisorError

NO_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done to a domain's definition."""

    uuid: str
    name: str
    changed: bool
    """Whether its definition was written."""
    display_changed: bool
    """Whether its D-Bus display was added, removed or changed."""
    running: bool
    """Whether it runs; a change counts from its next start on."""
    managed_save: bool
    """Whether its next start restores a saved state, with the display it had then; the one after has the change."""
    display: DbusDisplay | None
    """The D-Bus display in the definition as it is now."""


def enable(
    connection: VirConnect,
    name_or_uuid: str,
    gl: Gl | None = None,
    *,
    policy: Policy = NO_POLICY,
    replace_graphics: Callable[[str], object] | None = None,
) -> Outcome:
    """Write into the settings that a console is wanted, and add the D-Bus display.

    ``gl`` goes into the settings as well; None leaves what they say, and what they leave open ``policy`` says.
    With ``replace_graphics``, VNC and SPICE go first, after it was called with the definition as it is.
    A D-Bus display of somebody else is as good; nothing is written then.

    Raises NoSuchDomain; DomainXMLError where the display would break the domain; HypervisorError where it is
    transient, where its QEMU has no such display, or where libvirt refuses.
    """

    def change(document: Document) -> Document:
        display = find_dbus_display(document)
        if display is not None and not display.ours:
            return document
        wanted = write_settings(document, enabled=True, gl=gl)
        if replace_graphics is not None:
            wanted = remove_remote_displays(wanted)
        return add_dbus_display(wanted, gl=choose_gl(wanted, policy).gl)

    return _redefine(connection, _persistent(connection, name_or_uuid), change, backup=replace_graphics)


def disable(connection: VirConnect, name_or_uuid: str) -> Outcome:
    """Write into the settings that no console is wanted, and remove the D-Bus display if it is ours.

    A D-Bus display of somebody else stays; nothing is written then. Raises as :func:`enable`.
    """

    def change(document: Document) -> Document:
        display = find_dbus_display(document)
        if display is not None and not display.ours:
            return document
        return write_settings(remove_dbus_display(document), enabled=False)

    return _redefine(connection, _persistent(connection, name_or_uuid), change)


def reconcile(connection: VirConnect, uuid: str, policy: Policy) -> Outcome:
    """Make the definition what ``policy`` wants; a transient domain stays as it is.

    Raises NoSuchDomain; HypervisorError where the domain's QEMU has no such display, or where libvirt refuses.
    """
    domain = lookup(connection, uuid)

    def change(document: Document) -> Document:
        # Asked last: defining a domain that became transient meanwhile would make it persistent again.
        return decide(document, policy, Facts(persistent=bool(domain.isPersistent()))).document

    return _redefine(connection, domain, change)


def _persistent(connection: VirConnect, name_or_uuid: str) -> VirDomain:
    domain = lookup(connection, name_or_uuid)
    with our_errors(f"cannot read domain '{name_or_uuid}'"):
        if not domain.isPersistent():
            raise HypervisorError(
                f"domain '{domain.name()}' is transient: it has no definition to change; "
                "put the display into the XML that it is created from ('libvirt-webrtc xml add')"
            )
    return domain


def _redefine(
    connection: VirConnect,
    domain: VirDomain,
    change: Callable[[Document], Document],
    *,
    backup: Callable[[str], object] | None = None,
) -> Outcome:
    with our_errors(f"cannot change domain '{domain.name()}'"):
        before = _definition(domain)
        if find_dbus_display(before) is None and find_dbus_display(change(before)) is not None:
            check_emulator(connection, before)
            before = _definition(domain)  # that may have taken its time
        after = change(before)
        changed = after.text() != before.text()
        if changed:
            if backup is not None:
                backup(before.text())
            connection.defineXMLFlags(after.text(), 0)
        return Outcome(
            uuid=domain.UUIDString(),
            name=domain.name(),
            changed=changed,
            display_changed=find_dbus_display(after) != find_dbus_display(before),
            running=bool(domain.isActive()),
            managed_save=bool(domain.hasManagedSaveImage()),
            display=find_dbus_display(after),
        )


def _definition(domain: VirDomain) -> Document:
    return Document.parse(domain.XMLDesc(XML_INACTIVE | XML_SECURE))


def check_emulator(connection: VirConnect, document: Document) -> None:
    """Refuse where libvirt knows that this domain's QEMU has no D-Bus display: it would not start any more."""
    if not has_dbus_display(connection, document):
        emulator = document.root.findtext("devices/emulator")
        raise HypervisorError(
            f"{emulator or 'the QEMU of this domain'} has no D-Bus display: it takes QEMU 7.0 or later, "
            "built with it, and libvirt 8.4 or later"
        )


def has_dbus_display(connection: VirConnect, document: Document) -> bool:
    """Whether the domain's QEMU can have a D-Bus display, by what libvirt knows of it."""
    root = document.root
    emulator, kind = root.findtext("devices/emulator"), root.find("os/type")
    arch, machine = (kind.get("arch"), kind.get("machine")) if kind is not None else (None, None)
    capabilities = connection.getDomainCapabilities(emulator, arch, machine, root.get("type"))
    supported = etree.fromstring(capabilities.encode()).findall(
        "devices/graphics[@supported='yes']/enum[@name='type']/value"
    )
    return "dbus" in {value.text for value in supported}
