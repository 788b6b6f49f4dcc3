"""What a domain's owner wants of us, kept in the domain's own ``<metadata>``.

Pure. The element travels with the definition, and ``virsh metadata`` can write it as well::

    <lvws:console xmlns:lvws="https://libvirt-webrtc.org/settings/1.0" enabled="yes" gl="auto"
                  tags="web team-a"/>

    virsh metadata DOMAIN --config --uri https://libvirt-webrtc.org/settings/1.0 --key lvws \\
        --set '<console enabled="yes"/>'

All attributes are optional; tags are separated by spaces or commas. They say what is wanted; what was done stands in
the signature (signature.py).
"""

from dataclasses import dataclass

from lxml import etree

from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.document import Document, elements
from libvirt_webrtc.domains.definition.signature import put_metadata

SETTINGS_NAMESPACE = "https://libvirt-webrtc.org/settings/1.0"
SETTINGS_PREFIX = "lvws"

_CONSOLE = f"{{{SETTINGS_NAMESPACE}}}console"
_WORDS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """One domain's settings; None where they do not say."""

    enabled: bool | None = None
    gl: Gl | None = None
    tags: tuple[str, ...] = ()
    """What the operator's access rules may name the domain by."""
    problem: str | None = None
    """What cannot be understood, in a sentence; the settings count as not said then."""


def read_settings(document: Document) -> Settings:
    """The settings in a domain's XML."""
    found = _find(document.root)
    if not found:
        return Settings()
    element = found[0]
    if element.tag != _CONSOLE or len(found) > 1:
        names = ", ".join(f"<{etree.QName(each).localname}>" for each in found)
        return Settings(problem=f"its libvirt-webrtc settings are {names}: write one <console>")
    for name in element.attrib:
        if name not in ("enabled", "gl", "tags"):
            return Settings(
                problem=f"its libvirt-webrtc settings have {name!r}: known are enabled, gl and tags"
            )
    enabled, gl = element.get("enabled"), element.get("gl")
    if enabled is not None and enabled not in _WORDS:
        return Settings(problem=f"its setting enabled='{enabled}' is not understood: write yes or no")
    if gl is not None and gl not in list(Gl):
        return Settings(problem=f"its setting gl='{gl}' is not understood: write auto, on or off")
    return Settings(
        None if enabled is None else _WORDS[enabled],
        None if gl is None else Gl(gl),
        tuple(element.get("tags", "").replace(",", " ").split()),
    )


def write_settings(document: Document, *, enabled: bool, gl: Gl | None = None) -> Document:
    """The domain with ``enabled``, and with ``gl`` where given; else its ``gl`` stays as it is, and so do its tags.

    Settings that could not be understood are replaced. A domain that needs no change is returned as it is.
    """
    before = read_settings(document)
    gl = before.gl if gl is None else gl
    if before == Settings(enabled, gl, before.tags):
        return document
    edited = document.edit()
    found = _find(edited.root)
    if len(found) == 1 and found[0].tag == _CONSOLE:
        console = found[0]
        console.attrib.clear()
    else:
        for element in found:
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)
        console = etree.Element(_CONSOLE, nsmap={SETTINGS_PREFIX: SETTINGS_NAMESPACE})
        put_metadata(edited.root, console)
    console.set("enabled", "yes" if enabled else "no")
    if gl is not None:
        console.set("gl", gl.value)
    if before.tags:
        console.set("tags", " ".join(before.tags))
    return edited


def _find(root: etree._Element) -> list[etree._Element]:
    """Every element of our namespace directly in <metadata>; libvirt keeps one for each namespace."""
    metadata = root.find("metadata")
    if metadata is None:
        return []
    return [each for each in elements(metadata) if etree.QName(each).namespace == SETTINGS_NAMESPACE]
