"""Who waits must wait longer than the one waited on."""

import re
from pathlib import Path

from libvirt_webrtc.agent import limits
from libvirt_webrtc.media.aiortc_ext import inquiry
from libvirt_webrtc.pam import client, protocol
from libvirt_webrtc.portal.auth import throttle

WEB = Path(__file__).parents[2] / "web"


def milliseconds(module: str, name: str) -> int:
    """A constant of one of the pages' modules."""
    found = re.search(rf"^const {name} = ([0-9_]+);", (WEB / module).read_text(), re.MULTILINE)
    assert found is not None, f"{module} has no {name}"
    return int(found[1].replace("_", ""))


def test_every_wait_for_an_answer_is_longer_than_what_it_waits_for() -> None:
    assert limits.LISTEN_S + limits.GATHER_S < limits.WORKER_ANSWER_S
    assert limits.WORKER_ANSWER_S < limits.AGENT_ANSWER_S
    assert limits.BODY_S + limits.AGENT_ANSWER_S < limits.PAGE_ANSWER_S


def test_the_worker_gives_a_viewer_up_after_its_page_has() -> None:
    answer_on_its_way = limits.PAGE_ANSWER_S - limits.BODY_S - limits.AGENT_ANSWER_S
    assert limits.PAGE_OPEN_S + answer_on_its_way < limits.CONNECT_S


def test_silent_servers_are_given_up_before_the_worker_gives_up() -> None:
    """Else no viewer could connect on a local network while a TURN server is away."""
    assert inquiry.SILENT_ANSWER_S <= inquiry.ANSWER_S < limits.GATHER_S


def test_the_pages_have_the_same_table() -> None:
    assert milliseconds("core/signalling.js", "OFFER_TIMEOUT_MS") == limits.PAGE_ANSWER_S * 1000
    assert milliseconds("core/peer.js", "OPEN_TIMEOUT_MS") == limits.PAGE_OPEN_S * 1000


def test_a_worker_is_not_killed_while_it_lifts_keys() -> None:
    assert 2 * limits.LIFT_S < limits.WORKER_END_S


def test_a_password_is_waited_for_as_long_as_pam_may_take() -> None:
    assert protocol.ASK_S + protocol.CHECK_S < client.ANSWER_S
    # Guesses wait for their turn, and so do the answers to wrong ones.
    portal_s = limits.BODY_S + 2 * throttle.PAUSE_S + client.ANSWER_S
    assert portal_s * 1000 < milliseconds("app/signin.js", "PASSWORD_LIMIT_MS")
