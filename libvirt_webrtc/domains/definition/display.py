"""The D-Bus display in a domain's XML, as libvirt writes it.

Pure. Sources: libvirt's formatdomain.rst and its own dumps (11.3).
"""

from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.domains.definition.signature import find_signature, signed_display


class Gl(StrEnum):
    """Whether QEMU renders with OpenGL and hands frames over as DMA-BUF."""

    AUTO = "auto"
    """On where host and domain can (policy.py). For :func:`add_dbus_display`: as it is, and off for a new display."""
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class DbusDisplay:
    """A domain's ``<graphics type='dbus'>``."""

    index: int
    """0-based position among all <graphics>, as virDomainOpenGraphicsFD counts."""
    p2p: bool
    address: str | None
    """The D-Bus address of its bus, where it is not p2p and the XML has one."""
    gl: bool
    ours: bool
    """Whether we added it and nobody has changed it since."""
    render_node: str | None = None
    """The device that QEMU draws with; libvirt writes it into the XML of a running domain."""


def find_dbus_display(document: Document) -> DbusDisplay | None:
    """The D-Bus display of a domain; the first one where somebody wrote several. None where there is none."""
    root = document.root
    for index, graphics in enumerate(root.findall("devices/graphics")):
        if graphics.get("type") == "dbus":
            return DbusDisplay(
                index=index,
                p2p=graphics.get("p2p") == "yes",
                address=graphics.get("address"),
                gl=has_gl(graphics),
                ours=is_ours(graphics, find_signature(root)),
                render_node=_render_node(graphics),
            )
    return None


def other_displays(document: Document) -> set[str]:
    """The types of the domain's displays beside a D-Bus one: ``vnc``, ``spice``, ..."""
    return {graphics.get("type", "") for graphics in document.root.findall("devices/graphics")} - {"dbus"}


def dbus_displays(root: etree._Element) -> list[etree._Element]:
    """All elements ``<graphics type='dbus'>``; QEMU starts with one only."""
    return [graphics for graphics in root.findall("devices/graphics") if graphics.get("type") == "dbus"]


def is_ours(graphics: etree._Element, signature: etree._Element | None) -> bool:
    """Whether a D-Bus display is what we write. Any other attribute or child came from somebody else."""
    if signature is None or sorted(graphics.items()) != [("p2p", "yes"), ("type", "dbus")]:
        return False
    if gl_word(has_gl(graphics)) != signed_display(signature):
        return False
    # libvirt adds the render node that it chose for a running domain.
    return (graphics.text or "").strip() == "" and all(
        child.tag == "gl" and set(child.attrib) <= {"enable", "rendernode"} for child in graphics
    )


def has_gl(graphics: etree._Element) -> bool:
    """Whether a display has OpenGL."""
    gl = graphics.find("gl")
    return gl is not None and gl.get("enable") == "yes"


def write_gl(graphics: etree._Element, gl: bool) -> None:
    """Set whether a display has OpenGL. Off is written as nothing: libvirt keeps either form [libvirt 11.3]."""
    for child in list(graphics):
        graphics.remove(child)
    graphics.text = None
    if gl:
        etree.SubElement(graphics, "gl", {"enable": "yes"})


def gl_word(gl: bool) -> str:
    """``on`` or ``off``."""
    return (Gl.ON if gl else Gl.OFF).value


def _render_node(graphics: etree._Element) -> str | None:
    gl = graphics.find("gl")
    return gl.get("rendernode") if gl is not None else None
