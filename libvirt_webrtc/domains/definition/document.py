"""Domain XML as text to a tree and back, and edits of that tree that can be taken back without a trace.

Pure. A :class:`Document` is parsed once and passed on. Functions that change one take a copy by :meth:`Document.edit`
and return that; where nothing is to be changed they return the very document that they were given.

The text goes through lxml without entities, DTD or network. What no edit touched stays as it was when compared as C14N,
the XML declaration and the white space around the document to the letter.

An insertion puts white space in front of the new element so that it stands on a line of its own, and leaves
all text that was there behind it. A removal takes an element and the white space in front of it. So a removal
undoes an insertion exactly, also where something else was edited, or all of it reformatted, in between.
"""

import copy
import re
from dataclasses import dataclass, replace
from typing import Self

from lxml import etree

from libvirt_webrtc.errors import DomainXMLError

_PROLOG = re.compile(r"\ufeff?(?:<\?xml\s.*?\?>)?\s*", re.DOTALL)
_INDENT = "  "


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One domain document. Its tree is only changed by whoever made it with :meth:`edit`, before passing it on."""

    root: etree._Element
    """The <domain> element."""
    before: str
    """The XML declaration, if there was one, and the white space around it."""
    above: tuple[str, ...]
    """Comments and processing instructions in front of the root."""
    below: tuple[str, ...]
    """Those behind it."""
    after: str
    """The white space at the end."""
    source: str | None
    """The text that it was parsed from; None for one that is edited."""

    @classmethod
    def parse(cls, xml: str) -> Self:
        """Read ``xml``; DomainXMLError where it is not well formed, has a DTD, or is no domain."""
        # Always UTF-8 here: the text was decoded already, whatever its declaration says. libxml2's limits on
        # depth, amplification and text length (10 MB a node) stay on: no real domain comes near them.
        parser = etree.XMLParser(
            encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, strip_cdata=False
        )
        try:
            root = etree.fromstring(xml.encode(), parser)
        except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
            raise DomainXMLError(f"this is not well-formed XML: {error}") from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise DomainXMLError("domain XML with a DOCTYPE is not read: libvirt writes none, remove it")
        if root.tag != "domain":
            raise DomainXMLError(
                f"this is not a domain: its root element is <{root.tag}>; "
                "what is wanted is what 'virsh dumpxml DOMAIN' prints"
            )
        prolog = _PROLOG.match(xml)
        before = prolog.group() if prolog else ""
        above = tuple(map(_as_text, reversed(list(root.itersiblings(preceding=True)))))
        below = tuple(map(_as_text, root.itersiblings()))
        return cls(root, before, above, below, xml[len(xml.rstrip()) :], xml)

    def edit(self) -> Self:
        """A copy whose tree may be changed."""
        return replace(self, root=copy.deepcopy(self.root), source=None)

    def text(self) -> str:
        """The document as text; the very text that it was parsed from, unless it was edited."""
        if self.source is not None:
            return self.source
        return self.before + "\n".join([*self.above, _as_text(self.root), *self.below]) + self.after


def _as_text(node: etree._Element) -> str:
    return etree.tostring(node, encoding="unicode", with_tail=False)


def elements(parent: etree._Element) -> list[etree._Element]:
    """The child elements: no comments, no processing instructions."""
    return [child for child in parent if isinstance(child.tag, str)]


def is_bare(element: etree._Element) -> bool:
    """Whether there is nothing but white space inside ``element``."""
    return len(element) == 0 and not (element.text or "").strip()


def insert(parent: etree._Element, element: etree._Element, after: etree._Element | None) -> None:
    """Put ``element``, which has no text yet, into ``parent`` behind its child ``after``, or first."""
    if after is not None:
        indent, text = _line_start(_text_before(after)), after.tail
        after.addnext(element)
        after.tail, element.tail = indent or None, text
    else:
        text = parent.text or ""
        indent = _line_start(text)
        if indent and len(parent) == 0:
            indent += _INDENT  # `text` is the indentation of the parent's end tag
        parent.insert(0, element)
        parent.text, element.tail = indent or None, text
    if indent and len(element):
        element.text = indent + _INDENT
        for child in element:
            child.tail = indent + _INDENT
        element[-1].tail = indent


def remove(element: etree._Element) -> None:
    """Take ``element`` out of its parent, and the white space in front of it."""
    parent, previous, tail = element.getparent(), element.getprevious(), element.tail or ""
    assert parent is not None, "the root cannot be removed"
    before = _text_before(element)
    parent.remove(element)
    text = (before if before.strip() else "") + tail or None
    if previous is not None:
        previous.tail = text
    else:
        parent.text = text


def _text_before(element: etree._Element) -> str:
    previous, parent = element.getprevious(), element.getparent()
    if previous is not None:
        return previous.tail or ""
    return (parent.text or "") if parent is not None else ""


def _line_start(text: str) -> str:
    """The line break and indentation that ``text`` ends in; "" where it is anything else."""
    if text.strip() or "\n" not in text:
        return ""
    return "\n" + text.rsplit("\n", 1)[1]
