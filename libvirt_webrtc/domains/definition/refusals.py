"""Domains that a D-Bus display would keep from starting, or cost another display, and those in which it shows nothing.

Pure. Each refusal says what to do, and beside it stands what libvirt or QEMU would do.
"""

from lxml import etree

from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.errors import DomainXMLError

_QEMU_TYPES = frozenset({"qemu", "kvm", "hvf"})

_QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"

_BESIDE_DBUS = ("dbus", "vnc")
"""The types of ``-display`` that leave QEMU its D-Bus display; any other takes its place [QEMU 10.0]."""


def why_not_shown(document: Document) -> str | None:
    """Why a D-Bus display, whoever wrote it, has no picture in this domain, and what to do; None where nothing is known
    to be in its way.

    With SPICE's OpenGL the reason is graver: QEMU, and the guest, end when a console is opened.
    """
    root = document.root
    models = root.findall("devices/video/model")
    # QEMU starts, and its D-Bus display has no console [QEMU 10.0]. A mediated device may have one (display='on').
    if (
        models
        and all(model.get("type") == "none" for model in models)
        and root.find("devices/hostdev[@display='on']") is None
    ):
        return "it has no screen (its <video> is 'none'): give it one, such as <model type='virtio'/>"
    # QEMU exits as soon as a listener registers: "Display dbus-gl is incompatible with the GL context"; where the video
    # model has accel3d, it does not even start: "The console requires a GL context" [QEMU 7.2].
    if root.find("devices/graphics[@type='spice']/gl[@enable='yes']") is not None:
        return (
            "QEMU cannot have a D-Bus display next to SPICE with OpenGL, and would exit: take "
            "<gl enable='yes'/> out of <graphics type='spice'>, or use 'enable --gl on --replace-graphics'"
        )
    option = _option_instead(root)
    # "D-Bus display is not in use" [QEMU 10.0].
    if option is not None:
        return f"QEMU has no D-Bus display with {option!r} in <qemu:commandline>: remove that option"
    return None


def _option_instead(root: etree._Element) -> str | None:
    """The QEMU option in the domain's XML that takes the place of a D-Bus display."""
    values = [argument.get("value", "") for argument in root.iter(f"{{{_QEMU_NAMESPACE}}}arg")]
    for number, value in enumerate(values):
        name = value[1:] if value.startswith("--") else value
        if name == "-nographic":
            return "-nographic"
        if name == "-display":
            kind = values[number + 1] if number + 1 < len(values) else ""
            if not kind.startswith(_BESIDE_DBUS):
                return f"-display {kind}".rstrip()
    return None


def refuse_what_would_break(document: Document, gl: bool) -> None:
    """Raise DomainXMLError where a domain cannot have a D-Bus display with, or without, OpenGL."""
    root = document.root
    kind = root.get("type")
    if kind is not None and kind not in _QEMU_TYPES:
        raise DomainXMLError(
            f"a domain of type '{kind}' has no D-Bus display: only QEMU and KVM domains have"
        )
    machine = root.find("os/type[@machine]")
    # libvirt adds a video device with the first <graphics>, and has no bus for it: "No PCI buses available" [11.3].
    if (
        machine is not None
        and machine.get("machine", "").startswith("microvm")
        and root.find("devices/video") is None
    ):
        raise DomainXMLError("a microvm has no place for a display device: its console is the serial one")
    others = {graphics.get("type") for graphics in root.findall("devices/graphics")} - {"dbus"}
    # libvirt gives QEMU one -display option for each of the two, and QEMU takes the last [QEMU 10.0].
    if "sdl" in others:
        raise DomainXMLError(
            "the D-Bus display would take the place of <graphics type='sdl'>, QEMU has one of the two: "
            "remove that element first"
        )
    # "graphics type 'egl-headless' is only supported with one of: 'vnc', 'spice'" [libvirt 11.3].
    if "egl-headless" in others:
        raise DomainXMLError(
            "libvirt does not take a D-Bus display next to <graphics type='egl-headless'>: "
            "remove that element first"
        )
    # libvirt does not start it: "qemu-rdp support requires a D-Bus bus graphics device" [libvirt 11.1 and later].
    if "rdp" in others:
        raise DomainXMLError(
            "<graphics type='rdp'> takes a D-Bus display on a bus, and a domain has one D-Bus display only: "
            "add <graphics type='dbus'/>, without p2p (virsh edit); its console can be opened as well"
        )
    # QEMU exits: "Display spice is incompatible with the GL context"; VNC likewise from 9.0 on.
    for remote in ("spice", "vnc"):
        if gl and remote in others:
            raise DomainXMLError(
                f"gl on does not go together with <graphics type='{remote}'>, QEMU would exit: "
                "use gl off, or remove that element first, as 'enable --gl on --replace-graphics' does"
            )
    if (reason := why_not_shown(document)) is not None:
        raise DomainXMLError(reason)
    if gl:
        return
    for model in root.findall("devices/video/model"):
        # QEMU exits as soon as a listener registers: its blobs are DMA-BUFs, which need a GL display.
        if model.get("blob") == "on":
            raise DomainXMLError(
                "the video model has blob='on', and QEMU would exit when the console is opened with gl off: "
                "use gl on, or remove blob='on'"
            )
    # QEMU exits: "The display backend does not have OpenGL support enabled".
    if root.find("devices/video/model/acceleration[@accel3d='yes']") is not None:
        raise DomainXMLError(
            "the video model has accel3d='yes', with which QEMU does not start with gl off: "
            "use gl on, or set accel3d='no'"
        )
