"""How we sign a display that we added: an element in the domain's ``<metadata>``, which libvirt keeps as it is.

Pure::

    <metadata>
      <lvw:domain xmlns:lvw="https://libvirt-webrtc.org/domain/1.0" display="off" created="metadata"/>
    </metadata>

``display`` is the ``gl`` of the display that we wrote. ``created`` lists the containers that were not there before
(``metadata``, ``devices``) and go again with it.
"""

from collections.abc import Sequence

from lxml import etree

from libvirt_webrtc.domains.definition.document import elements, insert, is_bare, remove

NAMESPACE = "https://libvirt-webrtc.org/domain/1.0"
PREFIX = "lvw"

_SIGNATURE = f"{{{NAMESPACE}}}domain"

# libvirt writes these in front of <metadata> (virDomainDefFormatInternal in its src/conf/domain_conf.c).
_BEFORE_METADATA = frozenset({"name", "uuid", "hwuuid", "genid", "title", "description"})


def find_signature(root: etree._Element) -> etree._Element | None:
    """The signature of the domain ``root``; None where we added nothing."""
    return root.find(f"metadata/{_SIGNATURE}")


def sign(root: etree._Element, display: str, created: Sequence[str]) -> None:
    """Sign a display that was just added.

    Args:
        root: the domain.
        display: ``on`` or ``off``, the ``gl`` of the display.
        created: the containers that were made for it.
    """
    signature = etree.Element(_SIGNATURE, nsmap={PREFIX: NAMESPACE})
    sign_display(signature, display)
    if created:
        signature.set("created", " ".join(created))
    put_metadata(root, signature)


def sign_display(signature: etree._Element, display: str) -> None:
    """Note that our display has another ``gl`` now: ``on`` or ``off``."""
    signature.set("display", display)


def signed_display(signature: etree._Element) -> str | None:
    """The ``gl`` of the display as we wrote it."""
    return signature.get("display")


def created_containers(signature: etree._Element) -> list[str]:
    """The containers that we made for the display: ``metadata``, ``devices``."""
    return (signature.get("created") or "").split()


def remove_signature(root: etree._Element, signature: etree._Element) -> None:
    """Take the signature out, and <metadata> where we made it and nothing else is in it."""
    metadata = root.find("metadata")
    created = created_containers(signature)
    remove(signature)
    if metadata is not None and "metadata" in created and is_bare(metadata):
        remove(metadata)


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
