"""What a domain's owner wants, read from and written into its metadata."""

import pytest
from lxml import etree

from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.settings import SETTINGS_NAMESPACE, Settings
from libvirt_webrtc.errors import DomainXMLError
from tests.domains.corpus import SHAPES, canonical, read
from tests.support.domain_xml import add_dbus_display, read_settings, remove_dbus_display, write_settings

DOMAIN = "<domain type='qemu'><name>d</name>{}<devices><graphics type='vnc'/></devices></domain>"


def domain(settings: str = "") -> str:
    """With metadata as ``virsh metadata --key lvws`` leaves it."""
    if settings:
        settings = settings.replace("<console", f"<lvws:console xmlns:lvws='{SETTINGS_NAMESPACE}'")
        settings = f"<metadata><a:x xmlns:a='urn:a'/>{settings}</metadata>"
    return DOMAIN.format(settings)


@pytest.mark.parametrize(
    ("attributes", "settings"),
    [
        ("", Settings()),
        ("enabled='yes'", Settings(True)),
        ("enabled='no' gl='auto'", Settings(False, Gl.AUTO)),
        ("gl='on'", Settings(None, Gl.ON)),
        ("enabled='yes' gl='off'", Settings(True, Gl.OFF)),
        ("tags='web, team-a\told'", Settings(tags=("web", "team-a", "old"))),
        ("tags=''", Settings()),
    ],
)
def test_settings_are_read(attributes: str, settings: Settings) -> None:
    assert read_settings(domain(f"<console {attributes}/>")) == settings


def test_a_domain_without_settings_says_nothing() -> None:
    assert read_settings(domain()) == Settings()
    elsewhere = f"<description><console xmlns='{SETTINGS_NAMESPACE}' enabled='yes'/></description>"
    assert read_settings(DOMAIN.format(elsewhere)) == Settings()


@pytest.mark.parametrize(
    ("element", "complaint"),
    [
        ("<console enabled='true'/>", "enabled='true' is not understood: write yes or no"),
        ("<console enabled='YES'/>", "write yes or no"),
        ("<console enabled=''/>", "write yes or no"),
        ("<console enabled='yes' gl='1'/>", "gl='1' is not understood: write auto, on or off"),
        ("<console enable='yes'/>", "have 'enable': known are enabled, gl and tags"),
        (f"<x xmlns='{SETTINGS_NAMESPACE}'/>", "are <x>: write one <console>"),
        ("<console enabled='yes'/><console enabled='no'/>", "are <console>, <console>: write one"),
    ],
)
def test_what_is_not_understood_counts_as_nothing_said(element: str, complaint: str) -> None:
    settings = read_settings(domain(element))
    assert settings.enabled is None and settings.gl is None
    assert settings.problem is not None and complaint in settings.problem
    assert read_settings(write_settings(domain(element), enabled=False)) == Settings(False)


@pytest.mark.parametrize("name", SHAPES)
def test_writing_changes_the_settings_and_nothing_else(name: str) -> None:
    before = read(f"{name}-in.xml")
    written = write_settings(before, enabled=True, gl=Gl.ON)
    assert read_settings(written) == Settings(True, Gl.ON)
    assert write_settings(written, enabled=True, gl=Gl.ON) is written
    assert write_settings(written, enabled=True) is written
    again = write_settings(written, enabled=False)
    assert read_settings(again) == Settings(False, Gl.ON)
    assert canonical(without_settings(again)) == canonical(without_settings(before))


@pytest.mark.parametrize("name", ["vnc", "bare-domain", "metadata-of-others"])
def test_settings_and_signature_live_side_by_side(name: str) -> None:
    before = read(f"{name}-in.xml")
    settings = write_settings(before, enabled=True)
    assert canonical(remove_dbus_display(add_dbus_display(settings))) == canonical(settings)
    late = write_settings(add_dbus_display(before), enabled=True)
    assert read_settings(remove_dbus_display(late)) == Settings(True)


@pytest.mark.parametrize("xml", ["", "<network/>", "<domain>"])
def test_what_is_no_domain_is_refused(xml: str) -> None:
    with pytest.raises(DomainXMLError):
        read_settings(xml)
    with pytest.raises(DomainXMLError):
        write_settings(xml, enabled=True)


def without_settings(xml: str) -> str:
    """Also without a <metadata> that has nothing else, and without white space between elements."""
    root = etree.fromstring(xml.encode(), etree.XMLParser(encoding="utf-8"))
    for element in root.findall(f"metadata/{{{SETTINGS_NAMESPACE}}}console"):
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)
    metadata = root.find("metadata")
    if metadata is not None and len(metadata) == 0:
        root.remove(metadata)
    for element in root.iter():
        element.text = (element.text or "").strip() or None
        element.tail = (element.tail or "").strip() or None
    root.tail = None
    return etree.tostring(root, encoding="unicode")


def test_writing_leaves_tags_as_they_are() -> None:
    changed = write_settings(domain("<console enabled='yes' tags='web,old'/>"), enabled=False)
    assert read_settings(changed) == Settings(False, tags=("web", "old"))
    assert write_settings(changed, enabled=False) == changed
