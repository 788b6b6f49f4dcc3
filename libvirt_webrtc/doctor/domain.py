"""Checks of one domain: whether it has a console, and if not, why."""

from collections.abc import Iterator

from lxml import etree

from libvirt_webrtc.doctor.findings import Finding, ok, problem, warning
from libvirt_webrtc.doctor.hypervisor import Backends, check_display
from libvirt_webrtc.domains.advice import on_domain
from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.domains.definition.refusals import why_not_shown
from libvirt_webrtc.domains.definition.saved import has_private_bus
from libvirt_webrtc.domains.emulator import display_backends
from libvirt_webrtc.domains.inspection import Inspection, inspect
from libvirt_webrtc.domains.libvirt_api import VirConnect, our_errors
from libvirt_webrtc.errors import (
    DomainXMLError,
    HypervisorError,
    HypervisorUnavailable,
    LibvirtWebRTCError,
)
from libvirt_webrtc.service.domain_status import why_no_bus


def check_domain(
    connection: VirConnect,
    name_or_uuid: str,
    policy: Policy,
    backends: Backends | None = None,
) -> Iterator[Finding]:
    """Yield findings on its display now and at its next start, on the policy, and on its devices.

    Args:
        backends: asked instead of the QEMU binary, see :func:`libvirt_webrtc.domains.emulator.display_backends`.
    """
    try:
        found = inspect(connection, name_or_uuid, policy)
        with our_errors(f"cannot read domain '{name_or_uuid}'"):
            root = found.document.root
            os_type = root.find("os/type")
            capabilities = connection.getDomainCapabilities(
                root.findtext("devices/emulator"),
                os_type.get("arch") if os_type is not None else None,
                os_type.get("machine") if os_type is not None else None,
                root.get("type"),
            )
    except LibvirtWebRTCError as error:
        yield problem(name_or_uuid, str(error), "virsh list --all tells which domains there are")
        return
    yield check_console(found)
    yield check_plan(found)
    display = check_display(capabilities, backends or display_backends)
    yield Finding(display.level, found.name, display.text, display.remedy)
    yield from check_devices(found.name, root)


def check_saved_domains(connection: VirConnect, hooked: bool | None) -> Iterator[Finding]:
    """Yield a finding on every domain that is saved with its display on a bus of libvirt's own.

    Args:
        hooked: whether libvirt runs our hook; None where nobody can tell.
    """
    with our_errors("cannot list the domains"):
        domains = connection.listAllDomains()
    for domain in domains:
        try:
            with our_errors("cannot read what is saved"):
                if not domain.hasManagedSaveImage():
                    continue
                saved = Document.parse(domain.managedSaveGetXMLDesc(0))
        except HypervisorUnavailable:
            raise
        except (HypervisorError, DomainXMLError):
            continue  # gone meanwhile, or not this user's
        if has_private_bus(saved):
            yield check_saved_bus(domain.name(), hooked)


def check_saved_bus(name: str, hooked: bool | None) -> Finding:
    """Tell whether a guest that was saved with its display on libvirt's own bus can be started again."""
    text = "is saved with its D-Bus display on a bus that has ended"
    if hooked:
        return ok(name, f"{text}; libvirt's hook has its next start make another")
    edit = on_domain("virsh managedsave-edit", name)
    by_hand = f"{edit}: take the address out of <graphics type='dbus'>"
    if hooked is None:
        return warning(
            name, f"{text}: without libvirt's hook it does not start", f"if it does not start, {by_hand}"
        )
    return problem(
        name,
        f"{text}: libvirt cannot start it without its hook ('failed to connect to DBus')",
        f"sudo libvirt-webrtc install-hook --reload, where libvirt is the system's; or {by_hand}",
    )


def check_console(found: Inspection) -> Finding:
    """Find out whether its console can be opened now; the remedy says how to get there."""
    name, display = found.name, found.display if found.running else found.next_display
    enable, attach = on_domain("libvirt-webrtc enable", name), on_domain("libvirt-webrtc attach", name)
    if display is not None and (reason := why_not_shown(found.document)) is not None:
        return problem(name, reason, f"{on_domain('virsh edit', name)}, then shut it down and start it again")
    if found.running:
        if display is not None and (reason := why_no_bus(name, display)) is not None:
            return problem(
                name, reason, f"{on_domain('virsh edit', name)}: write p2p='yes', without an address"
            )
        if display is not None:
            return ok(name, "runs, and its console can be opened")
        if found.next_display is not None:
            return warning(
                name,
                "runs without its console, which was added after its start",
                f"{attach} (it pauses for some seconds), or shut it down and start it again",
            )
        if found.will_have:
            return warning(
                name,
                "is to have a console, and its definition has none yet",
                f"libvirt-webrtc serve adds it, or {enable}; then {attach}",
            )
        return warning(name, "runs, and has no console", enable)
    if found.managed_save:
        return warning(
            name,
            "is saved: its next start brings back the displays that it was saved with",
            "libvirt's hook adds the console there; see the line on the hook",
        )
    if display is not None:
        return ok(name, "is not running; it has a console when it is started")
    if found.will_have:
        return warning(
            name,
            "is to have a console, and its definition has none yet",
            f"libvirt-webrtc serve adds it, or {enable}",
        )
    return warning(name, "has no console", enable)


def check_plan(found: Inspection) -> Finding:
    """Tell what the policy decides about its definition."""
    text = f"policy: {found.decision.reason}"
    if found.decision.obstacle:
        return warning(found.name, text, f"{on_domain('libvirt-webrtc show', found.name)} tells more")
    if found.will_have:
        text += f"; gl {'on' if found.gl.on else 'off'}: {found.gl.reason}"
    return ok(found.name, text)


def check_devices(name: str, root: etree._Element) -> Iterator[Finding]:
    """Look for devices of the guest without which its console shows nothing, or takes no absolute pointer."""
    models = [model.get("type") for model in root.findall("devices/video/model")]
    if root.find("devices/video") is not None and models == ["none"]:
        yield warning(name, "has no screen (<video> is 'none')", "give it a <video>, such as virtio")
    elif root.find("devices/input[@type='tablet']") is None:
        yield warning(
            name,
            "has no tablet: the browser has to capture the pointer",
            f"{on_domain('virt-xml --add-device --input type=tablet,bus=usb', name)} (from its next start on)",
        )
