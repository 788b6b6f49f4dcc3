"""Sign-ins on their way: each comes back to the browser that began it, once, and in time."""

import pytest

from libvirt_webrtc.errors import SignInRefused
from libvirt_webrtc.portal.oidc import pending as module
from libvirt_webrtc.portal.oidc.pending import MAX_NEXT, PENDING_S, PendingLogins
from tests.portal.fakes import FakeClock

BACK = "http://localhost/login/oidc/callback"


@pytest.fixture
def logins(clock: FakeClock) -> PendingLogins:
    return PendingLogins(clock)


def test_what_began_comes_back(logins: PendingLogins) -> None:
    began, cookie = logins.begin(BACK, "/console/1")
    assert logins.finish(cookie, began.state) == began
    assert (began.redirect_uri, began.next) == (BACK, "/console/1")
    other, _ = logins.begin(BACK, "")
    secrets = {began.state, began.nonce, began.verifier, other.state, other.nonce, other.verifier}
    assert len(secrets) == 6 and all(len(secret) >= 43 for secret in secrets)


def test_a_cookie_tells_nothing(logins: PendingLogins) -> None:
    began, cookie = logins.begin(BACK, "/console/1")
    assert len(cookie) < 4000
    for secret in (began.state, began.nonce, began.verifier):
        assert secret not in cookie


def test_an_answer_counts_once(logins: PendingLogins) -> None:
    began, cookie = logins.begin(BACK, "")
    logins.finish(cookie, began.state)
    with pytest.raises(SignInRefused):
        logins.finish(cookie, began.state)


def test_used_answers_are_forgotten_oldest_first(
    logins: PendingLogins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_USED", 2)
    began = [logins.begin(BACK, "") for _ in range(4)]
    for pending, cookie in began:
        logins.finish(cookie, pending.state)
    for pending, cookie in began[2:]:
        with pytest.raises(SignInRefused):
            logins.finish(cookie, pending.state)


def test_another_states_answer_is_refused_and_uses_nothing_up(logins: PendingLogins) -> None:
    began, cookie = logins.begin(BACK, "")
    other, other_cookie = logins.begin(BACK, "")
    for state in (other.state, "", "\udfff", began.state[:-1]):
        with pytest.raises(SignInRefused):
            logins.finish(cookie, state)
    assert logins.finish(cookie, began.state) == began
    assert logins.finish(other_cookie, other.state) == other


def test_it_ends_with_its_time_and_not_before(logins: PendingLogins, clock: FakeClock) -> None:
    began, cookie = logins.begin(BACK, "")
    clock.now += PENDING_S - 2
    late, late_cookie = logins.begin(BACK, "")
    assert logins.finish(cookie, began.state)
    clock.now += PENDING_S + 2
    with pytest.raises(SignInRefused):
        logins.finish(late_cookie, late.state)


@pytest.mark.parametrize("cookie", ["", "x", "gAAAAA", "ü", "\udfff", "x" * 8000])
def test_a_cookie_that_is_none_is_refused(logins: PendingLogins, cookie: str) -> None:
    with pytest.raises(SignInRefused):
        logins.finish(cookie, "state")


def test_another_processs_cookie_is_refused(logins: PendingLogins, clock: FakeClock) -> None:
    began, cookie = PendingLogins(clock).begin(BACK, "")
    with pytest.raises(SignInRefused):
        logins.finish(cookie, began.state)


def test_an_endless_next_is_left_out(logins: PendingLogins) -> None:
    assert logins.begin(BACK, "/" + "x" * MAX_NEXT)[0].next == ""
