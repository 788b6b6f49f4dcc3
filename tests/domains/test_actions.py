"""Enable and disable on a real libvirtd."""

import json
import re
from typing import cast

import pytest
from lxml import etree

from libvirt_webrtc.domains import actions
from libvirt_webrtc.domains.actions import disable, enable, reconcile
from libvirt_webrtc.domains.definition.display import DbusDisplay, Gl
from libvirt_webrtc.domains.definition.policy import AutoEnable, Policy
from libvirt_webrtc.domains.definition.settings import Settings
from libvirt_webrtc.domains.definition.signature import NAMESPACE
from libvirt_webrtc.domains.inspection import inspect
from libvirt_webrtc.domains.libvirt_api import VirConnect, lookup, open_connection, our_errors
from libvirt_webrtc.errors import DomainXMLError, HypervisorError, HypervisorUnavailable, NoSuchDomain
from tests.domains.corpus import SHAPES, canonical, gl_of, read, without_settings
from tests.support.domain_xml import find_dbus_display, read_settings
from tests.support.domains import DBUS, VIDEO, VNC, MakeDomain
from tests.support.guests import define, remove
from tests.support.libvirtd import virsh

pytestmark = pytest.mark.libvirt

METADATA = "<metadata><a:x xmlns:a='urn:a'><a:y/></a:x></metadata>"
SECRET_VNC = VNC.replace("/>", " passwd='secret' keymap='de'/>")


def definition(uuid: str) -> str:
    return virsh("dumpxml", "--inactive", "--security-info", uuid)


def test_disable_after_enable_gives_the_definition_back_passwords_and_all(
    hypervisor: VirConnect, make_domain: MakeDomain
) -> None:
    uuid = make_domain("d", SECRET_VNC + VIDEO, metadata=METADATA)
    before = definition(uuid)
    outcome = enable(hypervisor, "d")
    assert (outcome.uuid, outcome.name) == (uuid, "d")
    assert (outcome.changed, outcome.running, outcome.managed_save) == (True, False, False)
    assert outcome.display is not None and outcome.display.ours and outcome.display.index == 1
    assert "secret" in definition(uuid) and DBUS in definition(uuid)
    outcome = disable(hypervisor, uuid)
    assert outcome.changed and outcome.display is None
    assert read_settings(definition(uuid)) == Settings(False)
    assert without_settings(definition(uuid)) == before


def emulated(xml: str) -> str:
    """The domain as text without a declaration, and without KVM, which the tests' world has not."""
    xml = re.sub(r"<domain( [^>]*)?type=(['\"])kvm\2", r"<domain\1type='qemu'", xml)
    root = etree.fromstring(xml.encode(), etree.XMLParser(encoding="utf-8"))
    return etree.tostring(root, encoding="unicode")


def test_libvirt_takes_most_of_the_corpus(hypervisor: VirConnect, capsys: pytest.CaptureFixture[str]) -> None:
    taken, refusals = [], []
    for name in SHAPES:
        try:
            with our_errors(name):
                uuid = hypervisor.defineXMLFlags(emulated(read(f"{name}-in.xml"))).UUIDString()
        except HypervisorError as refused:
            refusals.append(str(refused))
        else:
            taken.append(name)
            remove(uuid)
    with capsys.disabled():
        print(
            f"\nlibvirt takes {len(taken)} of the {len(SHAPES)} shapes, and refuses:", *refusals, sep="\n  "
        )
    assert len(taken) >= 40


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_that_libvirt_takes_comes_back_through_it(hypervisor: VirConnect, name: str) -> None:
    try:
        define(emulated(read(f"{name}-in.xml")))
    except AssertionError as refused:
        pytest.skip(f"this libvirt refuses it: {refused}")
    uuid = virsh("list", "--all", "--uuid")
    try:
        before = definition(uuid)
        try:
            changed = enable(hypervisor, uuid, gl_of(name)).changed
        except DomainXMLError as refused:
            pytest.skip(str(refused))
        assert changed == ("of-somebody-else" not in name)
        assert not enable(hypervisor, uuid, gl_of(name)).changed
        assert disable(hypervisor, uuid).changed == changed
        if "<video>" in before:
            # As XML: a line break in an attribute, which libvirt writes as it is, is a space by XML's rules.
            assert canonical(without_settings(definition(uuid))) == canonical(without_settings(before))
        else:  # libvirt added one, with a port to plug it into
            assert find_dbus_display(definition(uuid)) is None
            assert NAMESPACE not in definition(uuid)
    finally:
        remove(uuid)


def test_running_domain_has_the_display_from_its_next_start_on(
    hypervisor: VirConnect, make_domain: MakeDomain
) -> None:
    uuid = make_domain("d")
    virsh("start", uuid)
    outcome = enable(hypervisor, "d")
    assert outcome.changed and outcome.running
    assert DBUS not in virsh("dumpxml", uuid)
    virsh("destroy", uuid)
    virsh("start", uuid)
    assert DBUS in virsh("dumpxml", uuid)
    assert disable(hypervisor, "d").running
    assert DBUS in virsh("dumpxml", uuid)
    assert DBUS not in definition(uuid)


def test_saved_state_is_told(hypervisor: VirConnect, make_domain: MakeDomain) -> None:
    uuid = make_domain("d")
    virsh("start", uuid)
    virsh("managedsave", uuid)
    outcome = enable(hypervisor, "d")
    assert outcome.changed and outcome.managed_save and not outcome.running


def test_display_of_somebody_else_stays(hypervisor: VirConnect, make_domain: MakeDomain) -> None:
    uuid = make_domain("d", VNC + DBUS + VIDEO)
    before = definition(uuid)
    for outcome in (enable(hypervisor, "d"), disable(hypervisor, "d")):
        assert not outcome.changed
        assert outcome.display is not None and not outcome.display.ours
    assert definition(uuid) == before


def test_refusal_leaves_the_definition_as_it_is(hypervisor: VirConnect, make_domain: MakeDomain) -> None:
    uuid = make_domain("d")
    before = definition(uuid)
    with pytest.raises(DomainXMLError, match="'vnc'"):
        enable(hypervisor, "d", Gl.ON)
    assert definition(uuid) == before


def test_settings_say_what_gl_is(hypervisor: VirConnect, make_domain: MakeDomain) -> None:
    uuid = make_domain("d", VIDEO)
    policy = Policy(AutoEnable.TAGGED, Gl.ON)
    outcome = enable(hypervisor, "d", policy=policy)
    assert outcome.display is not None and outcome.display.gl
    outcome = enable(hypervisor, "d", Gl.OFF, policy=policy)
    assert outcome.display is not None and not outcome.display.gl and outcome.display_changed
    assert read_settings(definition(uuid)) == Settings(True, Gl.OFF)
    outcome = enable(hypervisor, "d", policy=policy)
    assert not outcome.changed


def test_enable_adds_what_was_deleted_by_hand(hypervisor: VirConnect, make_domain: MakeDomain) -> None:
    uuid = make_domain("d")
    enable(hypervisor, "d")
    define(definition(uuid).replace(DBUS, ""))
    assert not reconcile(hypervisor, uuid, Policy(AutoEnable.ALL)).changed
    assert enable(hypervisor, "d").display_changed
    assert DBUS in definition(uuid)


def test_replaced_display_goes_after_the_definition_was_kept(
    hypervisor: VirConnect, make_domain: MakeDomain
) -> None:
    uuid = make_domain("d", SECRET_VNC + VIDEO)
    before = definition(uuid)
    kept: list[str] = []
    outcome = enable(hypervisor, "d", Gl.ON, replace_graphics=kept.append)
    assert [each.strip() for each in kept] == [before]
    assert outcome.display == DbusDisplay(index=0, p2p=True, address=None, gl=True, ours=True)
    assert "'vnc'" not in definition(uuid)


def test_nothing_is_replaced_where_it_could_not_be_kept(
    hypervisor: VirConnect, make_domain: MakeDomain
) -> None:
    uuid = make_domain("d")
    before = definition(uuid)

    def full(_: str) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        enable(hypervisor, "d", Gl.ON, replace_graphics=full)
    assert definition(uuid) == before


def test_inspection_tells_display_settings_plan_and_reasons(
    hypervisor: VirConnect, make_domain: MakeDomain
) -> None:
    uuid = make_domain("d")
    found = inspect(hypervisor, "d", Policy(AutoEnable.ALL))
    assert (found.uuid, found.running, found.persistent, found.restart_needed) == (uuid, False, True, False)
    assert found.decision.changed and found.will_have and not found.gl.on
    virsh("start", uuid)
    enable(hypervisor, "d")
    found = inspect(hypervisor, "d", Policy(AutoEnable.ALL))
    assert found.restart_needed and not found.decision.changed and found.settings == Settings(True)
    assert found.display is None and found.next_display is not None and found.next_display.ours
    assert json.loads(json.dumps(found.as_json()))["next_display"]["ours"] is True
    virsh("destroy", uuid)
    virsh("start", uuid)
    assert not inspect(hypervisor, "d", Policy()).restart_needed
    transient = inspect(hypervisor, make_domain("t", transient=True), Policy(AutoEnable.ALL))
    assert not transient.decision.changed and "transient" in transient.decision.reason


def test_transient_domain_is_refused(hypervisor: VirConnect, make_domain: MakeDomain) -> None:
    uuid = make_domain("t", transient=True)
    for change in (enable, disable):
        with pytest.raises(HypervisorError, match="'t' is transient"):
            change(hypervisor, uuid)
    assert virsh("list", "--all", "--persistent", "--uuid") == ""


def test_unknown_domain_is_told(hypervisor: VirConnect) -> None:
    for name in ("nobody", "9a4e4ed5-3a3c-4e4b-8f9c-2f2d7b8b4d1e"):
        with pytest.raises(NoSuchDomain, match=name):
            enable(hypervisor, name)


def test_name_that_looks_like_a_uuid_is_found(hypervisor: VirConnect, make_domain: MakeDomain) -> None:
    name = "9a4e4ed5-3a3c-4e4b-8f9c-2f2d7b8b4d1e"
    uuid = make_domain(name)
    assert lookup(hypervisor, name).UUIDString() == uuid


def test_emulator_without_the_display_is_refused(
    hypervisor: VirConnect, make_domain: MakeDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = make_domain("d")
    before = definition(uuid)

    class OldQemu:
        """As libvirt describes a QEMU 6: none can be installed here."""

        def __getattr__(self, name: str) -> object:
            return getattr(hypervisor, name)

        def getDomainCapabilities(self, *arguments: object) -> str:
            capabilities: str = hypervisor.getDomainCapabilities(*arguments)  # type: ignore[arg-type]
            assert "<value>dbus</value>" in capabilities
            return capabilities.replace("<value>dbus</value>", "")

    with pytest.raises(HypervisorError, match="has no D-Bus display"):
        enable(cast(VirConnect, OldQemu()), "d")
    assert definition(uuid) == before


def test_lost_connection_is_told_from_a_refusal(libvirt_uri: str, make_domain: MakeDomain) -> None:
    make_domain("d")
    connection = open_connection(libvirt_uri)
    connection.close()
    with pytest.raises(HypervisorUnavailable):
        actions.enable(connection, "d")
