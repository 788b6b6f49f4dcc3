"""What becomes of a definition: policy, settings, ownership and refusals, all combinations that differ."""

import subprocess
import sys

import pytest

from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.policy import AutoEnable, Facts, Policy
from libvirt_webrtc.domains.definition.settings import Settings
from libvirt_webrtc.errors import DomainXMLError
from tests.domains.corpus import SHAPES, canonical, read
from tests.support.domain_xml import (
    Decision,
    add_dbus_display,
    choose_gl,
    decide,
    find_dbus_display,
    read_settings,
    remove_dbus_display,
    write_settings,
)

NONE, TAGGED, ALL = (Policy(each) for each in AutoEnable)
VNC = "<domain type='qemu'><name>d</name><devices><graphics type='vnc'/></devices></domain>"
HEADLESS = VNC.replace("<graphics type='vnc'/>", "")
SDL = VNC.replace("vnc", "sdl")
FOREIGN = VNC.replace("</devices>", "<graphics type='dbus'/></devices>")
OURS = add_dbus_display(VNC)
WITH_GL = add_dbus_display(HEADLESS, gl=Gl.ON)
DELETED = OURS.replace('<graphics type="dbus" p2p="yes"/>', "")
assert DELETED != OURS


def said(xml: str, enabled: bool | None, gl: Gl | None = None) -> str:
    return xml if enabled is None else write_settings(xml, enabled=enabled, gl=gl)


@pytest.mark.parametrize(
    ("policy", "enabled", "added"),
    [
        (NONE, None, False),
        (NONE, True, False),
        (NONE, False, False),
        (TAGGED, None, False),
        (TAGGED, True, True),
        (TAGGED, False, False),
        (ALL, None, True),
        (ALL, True, True),
        (ALL, False, False),
    ],
)
def test_policy_and_settings_say_who_gets_a_console(
    policy: Policy, enabled: bool | None, added: bool
) -> None:
    xml = said(VNC, enabled)
    decision = decide(xml, policy)
    assert decision.changed == added
    assert decision.xml == (add_dbus_display(xml) if added else xml)
    assert decision.wanted == (enabled is not False and (policy is ALL or enabled is True))
    settled(decision, policy)


@pytest.mark.parametrize("policy", [NONE, TAGGED, ALL])
@pytest.mark.parametrize("enabled", [None, True, False])
@pytest.mark.parametrize("shape", ["foreign", "deleted"])
def test_what_users_did_stays(policy: Policy, enabled: bool | None, shape: str) -> None:
    xml = said({"foreign": FOREIGN, "deleted": DELETED}[shape], enabled)
    assert unchanged(decide(xml, policy), xml)


def test_deleted_by_hand_says_how_to_get_it_back() -> None:
    decision = decide(DELETED, ALL)
    assert decision.obstacle and "deleted by hand" in decision.reason and "'enable'" in decision.reason


@pytest.mark.parametrize("policy", [TAGGED, ALL])
def test_enabled_no_takes_ours_away(policy: Policy) -> None:
    xml = said(OURS, False)
    decision = decide(xml, policy)
    assert decision.changed and not decision.wanted and "enabled=no" in decision.reason
    assert decision.xml == remove_dbus_display(xml)
    assert read_settings(decision.xml) == Settings(False)
    settled(decision, policy)
    assert unchanged(decide(xml, NONE), xml)


@pytest.mark.parametrize("policy", [NONE, TAGGED, ALL])
def test_ours_stays_where_the_policy_was_narrowed(policy: Policy) -> None:
    assert unchanged(decide(OURS, policy), OURS)


def test_an_edited_display_is_the_users() -> None:
    xml = OURS.replace('p2p="yes"/>', 'p2p="no"/>')
    assert xml != OURS and unchanged(decide(xml, ALL), xml) and unchanged(decide(said(xml, False), ALL))


@pytest.mark.parametrize(
    ("xml", "facts", "reason"),
    [
        (SDL, Facts(), "sdl"),
        (VNC.replace("'qemu'", "'lxc'"), Facts(), "'lxc'"),
        (VNC, Facts(persistent=False), "transient"),
        (VNC, Facts(has_dbus=False), "QEMU has no D-Bus display"),
        (HEADLESS, Facts(saved=True), "video device"),
        (
            FOREIGN.replace("</devices>", "<graphics type='dbus' p2p='yes'/></devices>"),
            Facts(),
            "did not add",
        ),
    ],
)
def test_a_domain_that_must_not_get_it_is_kept_with_the_reason(xml: str, facts: Facts, reason: str) -> None:
    decision = decide(xml, ALL, facts)
    assert unchanged(decision, xml) and decision.wanted and reason in decision.reason
    assert decision.obstacle == ("did not add" not in reason)


def test_facts_that_do_not_matter_change_nothing() -> None:
    assert decide(VNC, ALL, Facts(has_dbus=True, saved=True)) == decide(VNC, ALL)
    assert decide(HEADLESS, ALL).changed
    assert decide(OURS, ALL, Facts(has_dbus=False)) == decide(OURS, ALL)
    xml = said(OURS, False)
    assert decide(xml, ALL, Facts(has_dbus=False, saved=True)) == decide(xml, ALL)


def test_settings_that_are_not_understood_change_nothing() -> None:
    for xml in (VNC, OURS):
        broken = write_settings(xml, enabled=False).replace('"no"', '"nein"')
        decision = decide(broken, ALL)
        assert (
            unchanged(decision, broken)
            and "'nein'" in decision.reason
            and decision.obstacle
            and not decision.wanted
        )


@pytest.mark.parametrize("xml", ["", "<network/>", "<domain", "\0"])
def test_what_is_no_domain_is_refused(xml: str) -> None:
    with pytest.raises(DomainXMLError):
        decide(xml, ALL)


@pytest.mark.parametrize(
    ("own", "policy", "on", "reason"),
    [
        (None, Gl.AUTO, False, "nobody looked"),
        (Gl.AUTO, Gl.ON, False, "nobody looked"),
        (None, Gl.ON, True, "the policy is gl=on"),
        (Gl.ON, Gl.OFF, True, "its settings say gl=on"),
        (Gl.OFF, Gl.ON, False, "its settings say gl=off"),
    ],
)
def test_gl_is_the_domains_before_the_policys(own: Gl | None, policy: Gl, on: bool, reason: str) -> None:
    xml = said(HEADLESS, True, own)
    choice = choose_gl(xml, Policy(AutoEnable.TAGGED, policy))
    assert choice.on == on and reason in choice.reason
    display = find_dbus_display(decide(xml, Policy(AutoEnable.TAGGED, policy)).xml)
    assert display is not None and display.ours and display.gl == on


def test_gl_on_next_to_vnc_is_refused_and_off_keeps_what_is_there() -> None:
    assert unchanged(decide(VNC, Policy(AutoEnable.ALL, Gl.ON)), VNC)
    assert unchanged(decide(OURS, Policy(AutoEnable.ALL, Gl.ON)), OURS)
    assert "'vnc'" in decide(VNC, Policy(AutoEnable.ALL, Gl.ON)).reason


@pytest.mark.parametrize(
    ("xml", "renders", "on", "reason"),
    [
        (HEADLESS, True, True, "graphics card"),
        (HEADLESS, False, False, "no graphics card"),
        (HEADLESS, None, False, "nobody looked"),
        (VNC, True, False, "next to vnc"),
        (VNC.replace("vnc", "spice"), True, False, "next to spice"),
        (OURS, True, False, "next to vnc"),
        (WITH_GL, True, True, "graphics card"),
        (WITH_GL, False, False, "no graphics card"),
        (WITH_GL, None, True, "added before"),
        (WITH_GL.replace("<graphics", "<graphics type='vnc'/><graphics"), True, False, "next to vnc"),
    ],
)
def test_auto_is_on_where_nothing_can_keep_the_guest_from_starting(
    xml: str, renders: bool | None, on: bool, reason: str
) -> None:
    policy = Policy(AutoEnable.ALL, renders=renders)
    choice = choose_gl(xml, policy)
    assert choice.on == on and reason in choice.reason
    decision = decide(xml, policy)
    display = find_dbus_display(decision.xml)
    assert display is not None and display.ours and display.gl == on
    settled(decision, policy)


def test_gl_follows_its_setting_and_somebody_elses_stays() -> None:
    assert unchanged(decide(WITH_GL, ALL), WITH_GL)
    off = decide(said(WITH_GL, True, Gl.OFF), ALL)
    display = find_dbus_display(off.xml)
    assert off.changed and display is not None and not display.gl and display.ours
    theirs = FOREIGN.replace("<graphics type='dbus'/>", "<graphics type='dbus'><gl enable='yes'/></graphics>")
    for policy in (ALL, Policy(AutoEnable.ALL, Gl.OFF), Policy(AutoEnable.ALL, renders=False)):
        assert choose_gl(theirs, policy).on and "somebody else" in choose_gl(theirs, policy).reason


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(
    "policy", [ALL, Policy(AutoEnable.ALL, Gl.ON), Policy(AutoEnable.ALL, renders=True), TAGGED]
)
def test_every_shape_settles_at_once_and_can_be_taken_back(name: str, policy: Policy) -> None:
    before = read(f"{name}-in.xml")
    decision = decide(before, policy)
    settled(decision, policy)
    assert decision.changed == (decision.xml != before)
    if decision.changed:
        assert canonical(remove_dbus_display(decision.xml)) == canonical(before)


def test_deciding_needs_no_libvirt() -> None:
    program = "import libvirt_webrtc.domains.definition.policy, sys; sys.exit('libvirt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


def settled(decision: Decision, policy: Policy) -> None:
    """Deciding again about what came out changes nothing: our own events are no-ops."""
    assert unchanged(decide(decision.xml, policy), decision.xml)


def unchanged(decision: Decision, xml: str | None = None) -> bool:
    return not decision.changed and (xml is None or decision.xml is xml) and bool(decision.reason)
