"""The D-Bus display added to domain XML, and taken out again.

Pure. What :func:`add_dbus_display` adds, it signs (signature.py). A display is *ours* as long as it is signed and
nobody has changed it: a user who edits it, or deletes it and writes another, owns it from then on. To a domain that had
neither graphics nor video, libvirt adds a video device with the display; that one stays when ours goes.
"""

from lxml import etree

from libvirt_webrtc.domains.definition.display import (
    Gl,
    dbus_displays,
    gl_word,
    has_gl,
    is_ours,
    write_gl,
)
from libvirt_webrtc.domains.definition.document import Document, elements, insert, is_bare, remove
from libvirt_webrtc.domains.definition.refusals import refuse_what_would_break
from libvirt_webrtc.domains.definition.signature import (
    created_containers,
    find_signature,
    remove_signature,
    sign,
    sign_display,
)
from libvirt_webrtc.errors import DomainXMLError

# libvirt writes these device kinds in front of <graphics> (virDomainDefFormatInternal in its src/conf/domain_conf.c).
_BEFORE_GRAPHICS = frozenset(
    ("emulator", "disk", "controller", "lease", "filesystem", "interface", "smartcard", "serial", "parallel")
    + ("console", "channel", "input", "tpm")
)


def add_dbus_display(document: Document, *, gl: Gl = Gl.AUTO) -> Document:
    """The domain with a p2p D-Bus display behind its other graphics, signed as ours.

    Adding twice is adding once; with another ``gl``, ours is changed. A domain that needs no change is returned as it
    is, which includes one with a D-Bus display of somebody else.

    Raises:
        DomainXMLError: this is no QEMU domain, or the display would stop it or lose it another; says what to do.
    """
    present = dbus_displays(document.root)
    signature = find_signature(document.root)
    if len(present) > 1:
        raise DomainXMLError(
            f"this domain has {len(present)} D-Bus displays, and QEMU starts with one only: remove the others"
        )
    if present and not is_ours(present[0], signature):
        return document if signature is None else _without_signature(document)
    want_gl = gl is Gl.ON or (gl is Gl.AUTO and bool(present) and has_gl(present[0]))
    refuse_what_would_break(document, want_gl)
    if not present:
        return _with_new_display(document, want_gl)
    return document if has_gl(present[0]) == want_gl else _with_gl(document, want_gl)


def remove_dbus_display(document: Document) -> Document:
    """The domain as it was before :func:`add_dbus_display`.

    Only our display goes; a signature without one is cleared. A domain that needs no change is returned as it is.
    """
    if find_signature(document.root) is None:
        return document
    edited = document.edit()
    root = edited.root
    signature = find_signature(root)
    assert signature is not None
    for graphics in dbus_displays(root):
        if is_ours(graphics, signature):
            devices = graphics.getparent()
            remove(graphics)
            if devices is not None and "devices" in created_containers(signature) and is_bare(devices):
                remove(devices)
            break
    remove_signature(root, signature)
    return edited


def is_removed_by_hand(document: Document) -> bool:
    """Whether we added a display and somebody deleted it since: the signature stands, and no D-Bus display."""
    return find_signature(document.root) is not None and not dbus_displays(document.root)


def _with_new_display(document: Document, gl: bool) -> Document:
    edited = document.edit()
    root = edited.root
    if (signature := find_signature(root)) is not None:
        # Somebody deleted the display and left the signature.
        remove_signature(root, signature)
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
    write_gl(graphics, gl)
    sign(root, gl_word(gl), created)
    return edited


def _with_gl(document: Document, gl: bool) -> Document:
    """Our display is there, and gets another ``gl``."""
    edited = document.edit()
    signature = find_signature(edited.root)
    assert signature is not None
    write_gl(dbus_displays(edited.root)[0], gl)
    sign_display(signature, gl_word(gl))
    return edited


def _without_signature(document: Document) -> Document:
    edited = document.edit()
    signature = find_signature(edited.root)
    assert signature is not None
    remove_signature(edited.root, signature)
    return edited


def _last_before_graphics(root: etree._Element) -> etree._Element | None:
    """The child of the first <devices> that our display goes behind; None where it comes first."""
    displays = root.findall("devices/graphics")
    if displays:
        return displays[-1]
    devices = root.find("devices")
    earlier = [] if devices is None else [e for e in elements(devices) if e.tag in _BEFORE_GRAPHICS]
    return earlier[-1] if earlier else None
