"""Checks of libvirt and QEMU: their versions, and whether they have the D-Bus display."""

from collections.abc import Callable, Iterator
from pathlib import Path

from lxml import etree

from libvirt_webrtc.doctor.findings import Finding, ok, problem, warning
from libvirt_webrtc.domains.emulator import display_backends
from libvirt_webrtc.domains.libvirt_api import VirConnect, our_errors
from libvirt_webrtc.errors import HypervisorError

LIBVIRT_NEEDED = (8, 4, 0)
QEMU_NEEDED = (7, 0, 0)
QEMU_WITH_MAPS = (9, 2, 0)
"""From this version on it passes pictures as shared memory."""

MODULE_REMEDY = (
    "install QEMU's D-Bus display module: on Debian and Ubuntu qemu-system-modules-opengl (QEMU 8.1 and later; before "
    "it is in qemu-system-common), on Fedora qemu-ui-dbus"
)

Backends = Callable[[Path], frozenset[str] | None]


def check_hypervisor(connection: VirConnect, backends: Backends | None = None) -> Iterator[Finding]:
    """Yield findings on both versions, and on the QEMU of domains whose XML names no emulator."""
    try:
        with our_errors("cannot ask libvirt"):
            libvirt, qemu = version(connection.getLibVersion()), version(connection.getVersion())
            uri = connection.getURI()
            capabilities = connection.getDomainCapabilities(None, None, None, None)
    except HypervisorError as error:
        yield problem(
            "qemu", str(error), "install QEMU and libvirt's QEMU driver, and start its daemon again"
        )
        return
    if libvirt < LIBVIRT_NEEDED:
        yield problem("libvirt", f"{dotted(libvirt)} has no D-Bus display", "it takes libvirt 8.4 or later")
    else:
        yield ok("libvirt", f"{dotted(libvirt)} at {uri}")
    emulator = etree.fromstring(capabilities.encode()).findtext("path") or ""
    if qemu < QEMU_NEEDED:
        yield problem("qemu", f"{emulator} {dotted(qemu)} has no D-Bus display", "it takes QEMU 7.0 or later")
        return
    how = "hands pictures over as shared memory" if qemu >= QEMU_WITH_MAPS else "copies pictures"
    yield ok("qemu", f"{emulator} {dotted(qemu)}, {how}")
    yield check_display(capabilities, backends or display_backends)


def check_display(capabilities: str, backends: Backends) -> Finding:
    """Find out whether a QEMU really has the D-Bus display.

    libvirt knows what QEMU was built with, not which of its modules are installed; so QEMU is run, by ``backends``.

    Args:
        capabilities: the document that ``virsh domcapabilities`` prints for this QEMU.
    """
    root = etree.fromstring(capabilities.encode())
    path = Path(root.findtext("path") or "")
    values = root.findall("devices/graphics[@supported='yes']/enum[@name='type']/value")
    if "dbus" not in {value.text for value in values}:
        return problem(
            "dbus display",
            f"libvirt says that {path} has none",
            "it takes QEMU 7.0 or later, built with its D-Bus display, and libvirt 8.4 or later; after an upgrade "
            "of QEMU, restart libvirtd",
        )
    present = backends(path)
    if present is None:
        return warning("dbus display", f"libvirt says that {path} has it; it could not be run to try")
    if "dbus" not in present:
        return problem(
            "dbus display",
            f"{path} was built with it, but does not load it: guests that are enabled do not start",
            MODULE_REMEDY,
        )
    return ok("dbus display", f"{path} has it")


def version(number: int) -> tuple[int, int, int]:
    """Split a version number of libvirt's: 1,000,000 * major + 1,000 * minor + release."""
    return number // 1_000_000, number // 1000 % 1000, number % 1000


def dotted(numbers: tuple[int, ...]) -> str:
    """Join the parts of a version with dots."""
    return ".".join(map(str, numbers))
