"""Versions and the D-Bus display: too old, not built, not installed."""

from typing import cast

import pytest

from libvirt_webrtc.doctor.hypervisor import check_hypervisor
from libvirt_webrtc.domains.libvirt_api import VirConnect
from libvirt_webrtc.hook.check import Level

CAPABILITIES = """
    <domainCapabilities>
      <path>/usr/bin/qemu-system-x86_64</path>
      <devices>
        <graphics supported='yes'>
          <enum name='type'><value>vnc</value>{}</enum>
        </graphics>
      </devices>
    </domainCapabilities>"""


class FakeLibvirt:
    """A libvirt of any version."""

    def __init__(self, libvirt: int = 11_003_000, qemu: int = 10_000_002, dbus: bool = True) -> None:
        self.libvirt, self.qemu = libvirt, qemu
        self.capabilities = CAPABILITIES.format("<value>dbus</value>" if dbus else "")

    def getLibVersion(self) -> int:
        return self.libvirt

    def getVersion(self) -> int:
        return self.qemu

    def getURI(self) -> str:
        return "qemu:///system"

    def getDomainCapabilities(self, *_: object) -> str:
        return self.capabilities


ALL, NO_DBUS = frozenset({"none", "dbus"}), frozenset({"none"})


@pytest.mark.parametrize(
    ("fake", "backends", "levels"),
    [
        (FakeLibvirt(), ALL, "ok ok ok"),
        (FakeLibvirt(libvirt=8_003_000), ALL, "problem ok ok"),
        (FakeLibvirt(qemu=6_002_000), ALL, "ok problem"),
        (FakeLibvirt(dbus=False), ALL, "ok ok problem"),
        (FakeLibvirt(), NO_DBUS, "ok ok problem"),
        (FakeLibvirt(), None, "ok ok warning"),
    ],
)
def test_versions_and_display(fake: FakeLibvirt, backends: frozenset[str] | None, levels: str) -> None:
    findings = list(check_hypervisor(cast(VirConnect, fake), lambda _: backends))
    assert [finding.level.value for finding in findings] == levels.split()
    for finding in findings:
        assert finding.remedy is not None or finding.level is not Level.PROBLEM


def test_missing_module_names_the_packages() -> None:
    *_, finding = check_hypervisor(cast(VirConnect, FakeLibvirt()), lambda _: NO_DBUS)
    assert "qemu-system-modules-opengl" in (finding.remedy or "")
