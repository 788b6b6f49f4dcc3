"""A document is parsed once, and edited in a copy."""

import pytest

from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.domains.definition.policy import AutoEnable, Policy, decide
from tests.domains.corpus import SHAPES, read

BESIDE = "<?xml version='1.0'?>\n<!-- above -->\n<domain><name>d</name></domain>\n<!-- below -->\n"


@pytest.mark.parametrize("name", SHAPES)
def test_text_that_nobody_edited_is_the_very_text(name: str) -> None:
    text = read(f"{name}-in.xml")
    assert Document.parse(text).text() is text


def test_an_edited_copy_leaves_the_document_as_it_was() -> None:
    document = Document.parse(BESIDE)
    edited = document.edit()
    edited.root.set("type", "kvm")
    assert document.text() == BESIDE and document.root.get("type") is None
    assert edited.text() == BESIDE.replace("<domain>", '<domain type="kvm">')


@pytest.mark.parametrize("name", SHAPES)
def test_a_decision_parses_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = Document.parse(read(f"{name}-in.xml"))

    def fail(*_: object) -> None:
        raise AssertionError("parsed again")

    monkeypatch.setattr(Document, "parse", fail)
    decide(document, Policy(AutoEnable.ALL))
