"""VNC and SPICE taken out of domain XML, for an OpenGL display in their place."""

import pytest
from lxml import etree

from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.errors import DomainXMLError
from tests.domains.corpus import SHAPES, canonical, read
from tests.support.domain_xml import add_dbus_display, remove_remote_displays

KEPT = """
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <channel type='qemu-vdagent'><target type='virtio' name='com.redhat.spice.0'/></channel>
    <serial type='pty'/>
    <sound model='ich9'><audio id='1'/></sound>
    <audio id='2' type='none'/>
    <redirdev bus='usb' type='tcp'/>
    <video><model type='virtio'/></video>"""
GONE = """
    <graphics type='vnc' passwd='secret'/>
    <graphics type='spice'/>
    <graphics type='egl-headless'/>
    <channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>
    <serial type='spiceport'/>
    <smartcard mode='passthrough' type='spicevmc'/>
    <redirdev bus='usb' type='spicevmc'/>"""


def domain(devices: str) -> str:
    return f"<domain type='kvm'><name>d</name><devices>{devices}</devices></domain>"


def test_remote_displays_go_and_what_only_works_through_them() -> None:
    before = domain(GONE + "<audio id='1' type='spice'/>" + KEPT)
    after = remove_remote_displays(before)
    assert canonical(after) == canonical(domain('<audio id="1" type="none"/>' + KEPT))
    assert remove_remote_displays(after) is after
    add_dbus_display(after, gl=Gl.ON)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_keeps_all_but_its_remote_displays(name: str) -> None:
    before = read(f"{name}-in.xml")
    after = remove_remote_displays(before)
    root = etree.fromstring(after.encode(), etree.XMLParser(encoding="utf-8", huge_tree=True))
    kinds = {graphics.get("type") for graphics in root.findall("devices/graphics")}
    assert not kinds & {"vnc", "spice", "egl-headless"}
    if after == before:
        assert after is before
    assert remove_remote_displays(after) is after


def test_what_is_no_domain_is_refused() -> None:
    with pytest.raises(DomainXMLError):
        remove_remote_displays("<network/>")
