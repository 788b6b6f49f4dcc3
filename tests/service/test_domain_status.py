"""What the list tells of a domain whose console cannot be opened, and why."""

from dataclasses import replace

import pytest

from libvirt_webrtc.agent.interface import Action, ConsoleState
from libvirt_webrtc.domains.definition.display import DbusDisplay
from libvirt_webrtc.domains.snapshot import DefinitionPlan, Domain, DomainState, Snapshot
from libvirt_webrtc.service.domain_status import actions, describe, domain_list, why_no_console

P2P = DbusDisplay(index=1, p2p=True, address=None, gl=False, ours=True)
BUS = DbusDisplay(index=0, p2p=False, address="unix:path=/x", gl=False, ours=False)


ADDED_SOON = DefinitionPlan("a", True, "the policy is auto_enable=all", False)
BLOCKED = DefinitionPlan("a", False, "remove <graphics type='sdl'> first", True)
NOT_ASKED = DefinitionPlan("a", False, "nobody asked", False)


def domain(
    number: int | None, display: DbusDisplay | None, next_display: DbusDisplay | None, name: str = "demo"
) -> Domain:
    state = DomainState.RUNNING if number is not None else DomainState.SHUTOFF
    return Domain("u", name, number, state, display, next_display, True)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (domain(1, P2P, P2P), None),
        (domain(1, P2P, None), None),
        (domain(None, None, P2P), "the domain is not running"),
        (domain(None, None, None), "not enabled: libvirt-webrtc enable demo"),
        (
            domain(1, None, P2P),
            "started without its console, which its next start brings: "
            "'libvirt-webrtc attach demo' gives it one now (the guest pauses for some seconds), "
            "or shut it down and start it again",
        ),
        (
            domain(1, None, None),
            "not enabled: libvirt-webrtc enable demo, then shut it down and start it again",
        ),
        (domain(1, BUS, BUS), None),
    ],
)
def test_reason_names_what_to_do(case: Domain, reason: str | None) -> None:
    assert why_no_console(case) == reason


@pytest.mark.parametrize(
    ("plan", "problem", "reason"),
    [
        (ADDED_SOON, None, "a console is about to be added to its definition"),
        (ADDED_SOON, "libvirt says no", "a console could not be added: libvirt says no"),
        (BLOCKED, None, "not enabled: remove <graphics type='sdl'> first"),
        (NOT_ASKED, "libvirt said no", "not enabled: libvirt-webrtc enable demo"),
    ],
)
def test_reason_tells_what_the_policy_found(plan: DefinitionPlan, problem: str | None, reason: str) -> None:
    case = replace(domain(None, None, None), persistent=True, plan=plan, problem=problem)
    assert why_no_console(case) == reason


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("a b", "'a b'"),
        ("it's", """'it'"'"'s'"""),
        ("$HOME", "'$HOME'"),
        ("100%", "100%"),
        ("-rf", "-- -rf"),
        ("東京", "'東京'"),
    ],
)
def test_commands_can_be_copied_into_a_shell(name: str, word: str) -> None:
    assert why_no_console(domain(None, None, None, name)) == f"not enabled: libvirt-webrtc enable {word}"
    assert f"libvirt-webrtc attach {word}" in (why_no_console(domain(1, None, P2P, name)) or "")
    assert f"virsh edit {word}" in (why_no_console(domain(1, replace(BUS, address=None), None, name)) or "")


def test_a_display_that_cannot_be_shown_says_why() -> None:
    case = replace(domain(1, P2P, P2P), not_shown="it has no screen")
    assert (describe(case).console_state, describe(case).reason) == (ConsoleState.NONE, "it has no screen")


def test_a_snapshot_that_took_the_display_away_is_told_with_what_helps() -> None:
    told = why_no_console(replace(domain(1, None, None, "a b"), reverted=True)) or ""
    assert "snapshot" in told
    assert told.endswith("libvirt-webrtc enable 'a b', then libvirt-webrtc attach 'a b'")
    assert "attach" not in (why_no_console(replace(domain(None, None, None), reverted=True)) or "attach")


@pytest.mark.parametrize("number", [None, 1])
def test_transient_domain_is_told_where_the_display_goes(number: int | None) -> None:
    case = replace(domain(number, None, None), persistent=False)
    assert "libvirt-webrtc xml add" in (why_no_console(case) or "")


@pytest.mark.parametrize(
    ("case", "possible"),
    [
        (domain(1, None, P2P), (Action.ATTACH,)),
        (domain(1, P2P, P2P), ()),
        (domain(1, BUS, P2P), ()),
        (domain(1, None, None), ()),
        (domain(1, None, BUS), ()),
        (domain(None, None, P2P), ()),
    ],
)
def test_a_running_domain_whose_next_start_has_a_console_can_have_it_now(
    case: Domain, possible: tuple[Action, ...]
) -> None:
    assert describe(case).actions == actions(case) == possible


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (None, "libvirt does not tell its address"),
        ("tcp:host=localhost,port=1", "'tcp:host=localhost,port=1' names no Unix socket"),
    ],
)
def test_a_bus_that_cannot_be_reached_is_told_with_what_to_do(address: str | None, reason: str) -> None:
    told = why_no_console(domain(1, replace(BUS, address=address), None)) or ""
    assert reason in told and "p2p='yes'" in told and "virsh edit demo" in told


def test_domain_list_keeps_order_and_freshness() -> None:
    domains = (domain(1, P2P, P2P, "a"), domain(None, None, None, "b"))
    listed = domain_list(Snapshot(False, "libvirtd is away", domains), "qemu:///system")
    assert (listed.connected, listed.problem) == (False, "libvirtd is away")
    assert [(view.name, view.state, view.console_state) for view in listed.domains] == [
        ("a", "running", ConsoleState.READY),
        ("b", "shutoff", ConsoleState.NONE),
    ]
