"""Automatic enabling as an operator meets it: a service with a policy, virsh beside it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.guests import GuestFactory
from tests.support.libvirtd import PrivateLibvirtd
from tests.support.portal import Portal
from tests.support.waiting import wait_until

pytestmark = pytest.mark.libvirt


@pytest.fixture
def portal_for_all(start_portal: Callable[..., Portal], tmp_path: Path) -> Portal:
    settings = tmp_path / "settings.toml"
    settings.write_text('auto_enable = "all"\n')
    return start_portal(None, "--config", str(settings))


def wait_reason(portal: Portal, uuid: str, part: str) -> dict[str, object]:
    """Wait until the list gives a reason with ``part`` for a domain."""

    def reached() -> dict[str, object] | None:
        domain = portal.domain(uuid)
        return domain if domain is not None and part in (domain["console"]["reason"] or "") else None

    return wait_until(reached, f"the list says {part!r} of {uuid}: {portal.domain(uuid)}")


def test_every_defined_guest_gets_its_console(portal_for_all: Portal, make_guest: GuestFactory) -> None:
    portal = portal_for_all
    guest = make_guest(display=False, start=False)
    wait_reason(portal, guest.uuid, "the domain is not running")
    guest.start()
    portal.wait_console(guest.uuid)


def test_a_guest_started_at_once_is_told_two_ways_and_has_it_at_its_next_start(
    portal_for_all: Portal, make_guest: GuestFactory
) -> None:
    portal = portal_for_all
    guest = make_guest(display=False)
    listed = wait_reason(portal, guest.uuid, f"libvirt-webrtc attach {guest.name}")
    console = listed["console"]
    assert isinstance(console, dict) and "or shut it down and start it again" in console["reason"]
    assert listed["actions"] == ["attach"]
    guest.destroy()
    guest.start()
    portal.wait_console(guest.uuid)


def test_a_restarted_libvirtd_is_reconciled_again(
    libvirtd: PrivateLibvirtd, portal_for_all: Portal, make_guest: GuestFactory
) -> None:
    portal = portal_for_all
    make_guest(display=False, start=False)
    libvirtd.restart()
    later = make_guest(display=False, start=False)
    wait_reason(portal, later.uuid, "the domain is not running")
