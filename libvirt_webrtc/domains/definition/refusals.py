"""Domains that a D-Bus display would keep from starting, or cost another display.

Pure. Each refusal says what to do, and beside it stands what libvirt or QEMU would do.
"""

from lxml import etree

from libvirt_webrtc.errors import DomainXMLError

_QEMU_TYPES = frozenset({"qemu", "kvm", "hvf"})


def refuse_what_would_break(root: etree._Element, gl: bool) -> None:
    """Raise DomainXMLError where the domain ``root`` cannot have a D-Bus display with, or without, OpenGL."""
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
    # QEMU exits: "Display spice is incompatible with the GL context"; VNC likewise from 9.0 on.
    for remote in ("spice", "vnc"):
        if gl and remote in others:
            raise DomainXMLError(
                f"gl on does not go together with <graphics type='{remote}'>, QEMU would exit: "
                "use gl off, or remove that element first, as 'enable --gl on --replace-graphics' does"
            )
    if gl:
        return
    for model in root.findall("devices/video/model"):
        # QEMU exits as soon as a listener registers: its blobs are DMA-BUFs, which need a GL display.
        if model.get("blob") == "on":
            raise DomainXMLError(
                "the video model has blob='on', and QEMU would exit when the console is opened with gl off: "
                "use gl on, or remove blob='on'"
            )
    # QEMU exits: "The display backend does not have OpenGL support enabled"; SPICE can bring its own.
    if "spice" not in others and root.find("devices/video/model/acceleration[@accel3d='yes']") is not None:
        raise DomainXMLError(
            "the video model has accel3d='yes', with which QEMU does not start with gl off: "
            "use gl on, or set accel3d='no'"
        )
