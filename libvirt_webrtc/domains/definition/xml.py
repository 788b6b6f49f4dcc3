"""The D-Bus display in domain XML: find it, add it, take it out again.

Pure: text in, text out, no libvirt. Sources: libvirt's formatdomain.rst, its own dumps (11.3), and QEMU's
behaviour as noted beside each refusal.

What :func:`add_dbus_display` adds, it signs in the domain's ``<metadata>``, which libvirt keeps as it is::

    <metadata>
      <lvw:domain xmlns:lvw="https://libvirt-webrtc.org/domain/1.0" display="off" created="metadata"/>
    </metadata>

``display`` is the ``gl`` of the display we wrote. ``created`` lists the containers that were not there before
(``metadata``, ``devices``) and go again with it. A display is *ours* as long as it is signed and nobody has
changed it: a user who edits it, or deletes it and writes another, owns it from then on. To a domain that had
neither graphics nor video, libvirt adds a video device with the display; that one stays when ours goes.
"""

from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from libvirt_webrtc.domains.definition.document import Document, elements, insert, is_bare, remove
from libvirt_webrtc.errors import DomainXMLError

NAMESPACE = "https://libvirt-webrtc.org/domain/1.0"
PREFIX = "lvw"

_SIGNATURE = f"{{{NAMESPACE}}}domain"
_QEMU_TYPES = frozenset({"qemu", "kvm", "hvf"})
# libvirt writes these in front of <metadata>, and those device kinds in front of <graphics>
# (virDomainDefFormatInternal in its src/conf/domain_conf.c).
_BEFORE_METADATA = frozenset({"name", "uuid", "hwuuid", "genid", "title", "description"})
_BEFORE_GRAPHICS = frozenset(
    ("emulator", "disk", "controller", "lease", "filesystem", "interface", "smartcard", "serial", "parallel")
    + ("console", "channel", "input", "tpm")
)


class Gl(StrEnum):
    """Whether QEMU renders with OpenGL and hands frames over as DMA-BUF."""

    AUTO = "auto"
    """As the machine and the domain can (policy.py). Where nobody asked: as it is, and off where there is none."""
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class DbusDisplay:
    """A domain's ``<graphics type='dbus'>``."""

    index: int
    """0-based position among all <graphics>, as virDomainOpenGraphicsFD counts."""
    p2p: bool
    address: str | None
    """The bus, for a display that is not p2p and where libvirt or somebody has set it."""
    gl: bool
    ours: bool
    """We added it, and nobody has changed it since."""
    render_node: str | None = None
    """What QEMU draws with; libvirt writes it into the XML of a running domain."""


def find_dbus_display(xml: str) -> DbusDisplay | None:
    """The D-Bus display of a domain, or None. Raises DomainXMLError where ``xml`` is no domain."""
    root = Document.parse(xml).root
    for index, graphics in enumerate(root.findall("devices/graphics")):
        if graphics.get("type") == "dbus":
            return DbusDisplay(
                index=index,
                p2p=graphics.get("p2p") == "yes",
                address=graphics.get("address"),
                gl=_has_gl(graphics),
                ours=_is_ours(graphics, _signature(root)),
                render_node=_render_node(graphics),
            )
    return None


def other_displays(xml: str) -> set[str]:
    """The types of the domain's displays beside a D-Bus one: ``vnc``, ``spice``, ... Raises DomainXMLError."""
    root = Document.parse(xml).root
    return {graphics.get("type", "") for graphics in root.findall("devices/graphics")} - {"dbus"}


def add_dbus_display(xml: str, *, gl: Gl = Gl.AUTO) -> str:
    """The domain with a p2p D-Bus display behind its other graphics, signed as ours.

    Adding twice is adding once; with another ``gl``, ours is changed. Text that needs no change comes back
    as it is, which includes a domain with a D-Bus display of somebody else. Raises DomainXMLError, with what
    to do about it, for what is no QEMU domain and where the display would stop the domain or lose it another.
    """
    document = Document.parse(xml)
    root = document.root
    signature = _signature(root)
    present = _dbus_displays(root)
    if len(present) > 1:
        raise DomainXMLError(
            f"this domain has {len(present)} D-Bus displays, and QEMU starts with one only: remove the others"
        )
    if present and not _is_ours(present[0], signature):
        return xml if signature is None else _without_signature(document, signature)

    want_gl = gl is Gl.ON or (gl is Gl.AUTO and bool(present) and _has_gl(present[0]))
    _refuse_what_would_break(root, want_gl)
    if present and signature is not None:
        if _has_gl(present[0]) == want_gl:
            return xml
        _write_gl(present[0], want_gl)
        signature.set("display", _gl_word(want_gl))
        return document.text()

    if signature is not None:  # somebody deleted the display and left the signature
        _remove_signature(root, signature)
    created = []
    if root.find("metadata") is None:
        created.append("metadata")
    devices = root.find("devices")
    if devices is None:
        created.append("devices")
        devices = etree.Element("devices")
        siblings = elements(root)
        graphics = etree.SubElement(devices, "graphics", {"type": "dbus", "p2p": "yes"})
        insert(root, devices, siblings[-1] if siblings else None)
    else:
        graphics = etree.Element("graphics", {"type": "dbus", "p2p": "yes"})
        insert(devices, graphics, _last_before_graphics(root))
    _write_gl(graphics, want_gl)
    _sign(root, _gl_word(want_gl), created)
    return document.text()


def remove_dbus_display(xml: str) -> str:
    """The domain as it was before :func:`add_dbus_display`.

    Only our display goes; a signature without one is cleared. Text that needs no change comes back as it is.
    Raises DomainXMLError where ``xml`` is no domain.
    """
    document = Document.parse(xml)
    root = document.root
    signature = _signature(root)
    if signature is None:
        return xml
    created = (signature.get("created") or "").split()
    for graphics in _dbus_displays(root):
        if _is_ours(graphics, signature):
            devices = graphics.getparent()
            remove(graphics)
            if devices is not None and "devices" in created and is_bare(devices):
                remove(devices)
            break
    return _without_signature(document, signature)


def is_removed_by_hand(xml: str) -> bool:
    """Whether we added a display and somebody deleted it since: the signature stands, and no D-Bus display.

    Raises DomainXMLError where ``xml`` is no domain.
    """
    root = Document.parse(xml).root
    return _signature(root) is not None and not _dbus_displays(root)


def put_metadata(root: etree._Element, element: etree._Element) -> None:
    """Put ``element`` at the end of the <metadata> of the domain ``root``, which is made where it is missing."""
    metadata = root.find("metadata")
    if metadata is not None:
        siblings = elements(metadata)
        insert(metadata, element, siblings[-1] if siblings else None)
        return
    metadata = etree.Element("metadata")
    metadata.append(element)
    earlier = [each for each in elements(root) if each.tag in _BEFORE_METADATA]
    insert(root, metadata, earlier[-1] if earlier else None)


def _refuse_what_would_break(root: etree._Element, gl: bool) -> None:
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


def _dbus_displays(root: etree._Element) -> list[etree._Element]:
    return [graphics for graphics in root.findall("devices/graphics") if graphics.get("type") == "dbus"]


def _last_before_graphics(root: etree._Element) -> etree._Element | None:
    """The child of the first <devices> that our display goes behind; None where it comes first."""
    displays = root.findall("devices/graphics")
    if displays:
        return displays[-1]
    devices = root.find("devices")
    earlier = [] if devices is None else [e for e in elements(devices) if e.tag in _BEFORE_GRAPHICS]
    return earlier[-1] if earlier else None


def _is_ours(graphics: etree._Element, signature: etree._Element | None) -> bool:
    """Whether ``graphics`` is what we write: any other attribute or child came from somebody else."""
    if signature is None or sorted(graphics.items()) != [("p2p", "yes"), ("type", "dbus")]:
        return False
    if _gl_word(_has_gl(graphics)) != signature.get("display"):
        return False
    # libvirt adds the render node that it chose for a running domain.
    return (graphics.text or "").strip() == "" and all(
        child.tag == "gl" and set(child.attrib) <= {"enable", "rendernode"} for child in graphics
    )


def _has_gl(graphics: etree._Element) -> bool:
    gl = graphics.find("gl")
    return gl is not None and gl.get("enable") == "yes"


def _render_node(graphics: etree._Element) -> str | None:
    gl = graphics.find("gl")
    return gl.get("rendernode") if gl is not None else None


def _gl_word(gl: bool) -> str:
    return (Gl.ON if gl else Gl.OFF).value


def _write_gl(graphics: etree._Element, gl: bool) -> None:
    """Off is written as nothing at all: libvirt takes both and keeps either [libvirt 11.3]."""
    for child in list(graphics):
        graphics.remove(child)
    graphics.text = None
    if gl:
        etree.SubElement(graphics, "gl", {"enable": "yes"})


def _signature(root: etree._Element) -> etree._Element | None:
    return root.find(f"metadata/{_SIGNATURE}")


def _sign(root: etree._Element, gl: str, created: list[str]) -> None:
    signature = etree.Element(_SIGNATURE, nsmap={PREFIX: NAMESPACE})
    signature.set("display", gl)
    if created:
        signature.set("created", " ".join(created))
    put_metadata(root, signature)


def _without_signature(document: Document, signature: etree._Element) -> str:
    _remove_signature(document.root, signature)
    return document.text()


def _remove_signature(root: etree._Element, signature: etree._Element) -> None:
    metadata = root.find("metadata")
    created = (signature.get("created") or "").split()
    remove(signature)
    if metadata is not None and "metadata" in created and is_bare(metadata):
        remove(metadata)
