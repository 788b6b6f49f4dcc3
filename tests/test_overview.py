"""What the list tells of a domain whose console cannot be opened, and why."""

import pytest

from libvirt_webrtc.agent import ConsoleState
from libvirt_webrtc.domains.inventory import Domain, DomainState, Snapshot
from libvirt_webrtc.domains.xml import DbusDisplay
from libvirt_webrtc.overview import overview, why_no_console

P2P = DbusDisplay(index=1, p2p=True, address=None, gl=False, ours=True)
BUS = DbusDisplay(index=0, p2p=False, address="unix:path=/x", gl=False, ours=False)


def domain(
    number: int | None, display: DbusDisplay | None, next_display: DbusDisplay | None, name: str = "demo"
) -> Domain:
    state = DomainState.RUNNING if number is not None else DomainState.SHUTOFF
    return Domain("u", name, number, state, display, next_display, next_display is not None)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (domain(1, P2P, P2P), None),
        (domain(1, P2P, None), None),
        (domain(None, None, P2P), "the domain is not running"),
        (domain(None, None, None), "not enabled: libvirt-webrtc enable demo"),
        (domain(1, None, P2P), "started without a D-Bus display: shut it down and start it again"),
        (
            domain(1, None, None),
            "not enabled: libvirt-webrtc enable demo, then shut it down and start it again",
        ),
        (domain(1, BUS, BUS), "its D-Bus display is on a bus; only p2p='yes' is supported so far"),
    ],
)
def test_reason_names_what_to_do(case: Domain, reason: str | None) -> None:
    assert why_no_console(case) == reason


def test_overview_keeps_order_and_freshness() -> None:
    domains = (domain(1, P2P, P2P, "a"), domain(None, None, None, "b"))
    listed = overview(Snapshot(False, "libvirtd is away", domains))
    assert (listed.connected, listed.problem) == (False, "libvirtd is away")
    assert [(view.name, view.state, view.console_state) for view in listed.domains] == [
        ("a", "running", ConsoleState.READY),
        ("b", "shutoff", ConsoleState.NONE),
    ]
