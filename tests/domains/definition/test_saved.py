"""What libvirt hands a hook for a guest that was saved."""

import pytest

from libvirt_webrtc.errors import DomainXMLError
from tests.support.domain_xml import drop_private_bus, takes_another_display


def domain(devices: str, arch: str = "x86_64") -> str:
    return f"<domain><os><type arch='{arch}'>hvm</type></os><devices>{devices}</devices></domain>"


@pytest.mark.parametrize(
    "address",
    [
        "unix:path=/run/libvirt/qemu/dbus/4-t2-dbus.sock",
        "unix:path=/var/run/libvirt/qemu/dbus/12-a name-dbus.sock",
        "unix:path=/run/user/1000/libvirt/qemu/run/dbus/1-x-dbus.sock",
    ],
)
def test_an_address_that_libvirt_chose_goes(address: str) -> None:
    before = domain(f'<graphics type="dbus" address="{address}"/>')
    assert 'type="dbus"' in drop_private_bus(before)
    assert "address" not in drop_private_bus(before)


@pytest.mark.parametrize(
    "graphics",
    [
        "<graphics type='dbus'/>",
        "<graphics type='dbus' p2p='yes'/>",
        "<graphics type='dbus' address='unix:path=/run/user/1000/bus'/>",
        "<graphics type='dbus' address='unix:path=/run/libvirt/qemu/dbus/4-t2-dbus.sock,guid=1'/>",
        "<graphics type='vnc' address='unix:path=/run/libvirt/qemu/dbus/4-t2-dbus.sock'/>",
    ],
)
def test_all_else_stays_to_the_letter(graphics: str) -> None:
    assert drop_private_bus(domain(graphics)) == domain(graphics)


@pytest.mark.parametrize(
    ("devices", "arch", "takes"),
    [
        ("<graphics type='vnc'/><video/>", "x86_64", True),
        ("<graphics type='vnc'/><video/>", "ppc64", True),
        ("<video/>", "x86_64", True),
        ("<video/>", "i686", True),
        ("<video/>", "ppc64", False),
        ("<graphics type='vnc'/>", "x86_64", False),
        ("", "x86_64", False),
    ],
)
def test_whether_another_display_brings_no_other_device(devices: str, arch: str, takes: bool) -> None:
    assert takes_another_display(domain(devices, arch)) is takes


def test_what_is_no_domain_is_refused() -> None:
    for function in (drop_private_bus, takes_another_display):
        with pytest.raises(DomainXMLError):
            function("<network/>")
