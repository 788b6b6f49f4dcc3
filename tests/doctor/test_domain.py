"""What is said of one domain, for real; and the whole of it in the private world."""

import json
from pathlib import Path

import pytest

from libvirt_webrtc.cli import main
from libvirt_webrtc.doctor.domain import check_domain, check_saved_domains
from libvirt_webrtc.domains.actions import enable
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.domains.libvirt_api import VirConnect
from tests.support.domains import VIDEO, VNC, MakeDomain
from tests.support.libvirtd import URI, virsh
from tests.support.portal import free_port

pytestmark = pytest.mark.libvirt

POLICY = Policy.of("tagged", "auto")
TABLET = "<input type='tablet' bus='usb'/>"


def lines(connection: VirConnect, name: str) -> list[str]:
    findings = check_domain(connection, name, POLICY)
    return [f"{each.level} {each.text} -> {each.remedy}" for each in findings]


def test_domain_from_no_console_to_one(hypervisor: VirConnect, make_domain: MakeDomain) -> None:
    make_domain("d", VNC + VIDEO + TABLET)
    first, plan, display = lines(hypervisor, "d")
    assert first == "warning has no console -> libvirt-webrtc enable d"
    assert plan.startswith("ok policy: its settings do not ask")
    assert display.startswith("ok ") and display.endswith("has it -> None")

    virsh("start", "d")
    assert lines(hypervisor, "d")[0].startswith("warning runs, and has no console")
    enable(hypervisor, "d")
    assert lines(hypervisor, "d")[0].startswith("warning runs without its console")
    virsh("destroy", "d")
    assert lines(hypervisor, "d")[0].startswith("ok is not running; it has a console")
    virsh("start", "d")
    first, plan, _ = lines(hypervisor, "d")
    assert first.startswith("ok runs, and its console can be opened")
    assert "enabled=yes" in plan


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        (VNC + VIDEO, "warning has no tablet"),
        ("<video><model type='none'/></video>", "warning has no screen"),
        ("<graphics type='dbus'/>" + VIDEO, "ok is not running; it has a console when it is started"),
    ],
)
def test_what_a_domain_lacks(
    hypervisor: VirConnect, make_domain: MakeDomain, devices: str, said: str
) -> None:
    make_domain("d", devices)
    assert any(line.startswith(said) for line in lines(hypervisor, "d"))


def test_a_guest_saved_on_a_bus_of_libvirts_needs_the_hook(
    hypervisor: VirConnect, make_domain: MakeDomain, capsys: pytest.CaptureFixture[str]
) -> None:
    virsh("start", make_domain("other"))
    uuid = make_domain("d", "<graphics type='dbus'/>" + VIDEO + TABLET)
    virsh("start", uuid)
    virsh("managedsave", uuid)

    def said(hooked: bool | None) -> str:
        found = [
            f"{each.level} {each.text} -> {each.remedy}" for each in check_saved_domains(hypervisor, hooked)
        ]
        return "\n".join(found)

    assert said(False).startswith(
        "problem is saved with its D-Bus display on a bus that has ended: libvirt cannot"
    )
    assert "install-hook" in said(False) and "virsh managedsave-edit d" in said(False)
    assert said(None).startswith("warning ") and "managedsave-edit" in said(None)
    assert said(True).startswith("ok ")
    main(["doctor", "--uri", URI])
    assert "problem  d: is saved with its D-Bus display on a bus that has ended" in capsys.readouterr().out
    # It is as said.
    with pytest.raises(AssertionError, match="failed to connect to DBus"):
        virsh("start", uuid)
    virsh("managedsave-remove", uuid)
    assert said(False) == ""


def test_a_display_that_shows_nothing_is_a_problem(hypervisor: VirConnect, make_domain: MakeDomain) -> None:
    make_domain("d", "<graphics type='dbus' p2p='yes'/><video><model type='none'/></video>")
    assert lines(hypervisor, "d")[0].startswith("problem it has no screen")


def test_unknown_domain_is_a_problem(hypervisor: VirConnect) -> None:
    (line,) = lines(hypervisor, "nobody")
    assert line.startswith("problem ")


def test_doctor_in_a_good_world(
    libvirt_uri: str, make_domain: MakeDomain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_domain("d")
    config = tmp_path / "config.toml"
    config.write_text(f'uri = "{libvirt_uri}"\nlisten = "127.0.0.1:{free_port()}"\n')
    assert main(["doctor", "d", "--config", str(config)]) == 0
    text = capsys.readouterr().out
    for beginning in ("ok       libvirt: ", "ok       qemu: ", "ok       dbus display: ", "warning  d: "):
        assert f"\n{beginning}" in f"\n{text}", text

    assert main(["doctor", "--json", "--config", str(config)]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert {"level", "subject", "text", "remedy"} == findings[0].keys()
    assert "problem" not in {finding["level"] for finding in findings}


def test_doctor_ends_with_1_where_there_is_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--uri", "qemu+unix:///system?socket=/nowhere"]) == 1
    assert capsys.readouterr().out.startswith("problem  libvirt: cannot connect")
