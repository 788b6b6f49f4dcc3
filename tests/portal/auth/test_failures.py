"""Counting wrong guesses by client and user."""

import pytest

from libvirt_webrtc.portal.auth import failures
from libvirt_webrtc.portal.auth.failures import MAX_OF_PAIR, MAX_OF_USER, WINDOW_S, Failed, Failures
from tests.portal.fakes import FakeClock

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def made(clock: FakeClock) -> Failures:
    return Failures(clock)


def guess(made: Failures, client: str, user: str = "alice", times: int = MAX_OF_PAIR) -> list[Failed]:
    return [made.note(client, user) for _ in range(times)]


def attack_from_everywhere(made: Failures, user: str = "alice") -> None:
    for number in range(MAX_OF_USER // MAX_OF_PAIR):
        guess(made, f"198.51.100.{number}", user)


def test_a_pair_has_some_mistakes_and_then_too_many(made: Failures, clock: FakeClock) -> None:
    assert guess(made, HERE) == [Failed.LITTLE] * (MAX_OF_PAIR - 1) + [Failed.LIMIT]
    assert guess(made, HERE, times=3) == [Failed.TOO_MUCH] * 3
    assert made.wait_s(HERE, "alice") == WINDOW_S
    clock.now += WINDOW_S
    assert made.wait_s(HERE, "alice") == 0.0
    assert guess(made, HERE, times=1) == [Failed.LITTLE]


def test_failures_far_apart_are_mistakes(made: Failures, clock: FakeClock) -> None:
    for _ in range(3 * MAX_OF_PAIR):
        assert made.note(HERE, "alice") is not Failed.TOO_MUCH
        clock.now += WINDOW_S / (MAX_OF_PAIR - 1)


def test_only_the_pair_is_slowed_down(made: Failures) -> None:
    guess(made, HERE, times=50)
    assert made.crowd(HERE, "alice") is not None
    assert made.crowd(HERE, "bob") is None
    assert made.crowd(THERE, "alice") is None
    assert guess(made, HERE, "bob", 1) == guess(made, THERE, "alice", 1) == [Failed.LITTLE]


def test_an_attack_from_everywhere_slows_the_user_but_where_it_is_at_home(made: Failures) -> None:
    made.forgive(HERE, "alice")
    attack_from_everywhere(made)
    assert made.crowd(THERE, "alice") is not None
    assert guess(made, THERE, times=1) == [Failed.TOO_MUCH]
    assert made.crowd(HERE, "alice") is None
    assert made.wait_s(HERE, "alice") == 0.0
    assert guess(made, HERE, times=1) == [Failed.LITTLE]
    assert made.crowd(THERE, "bob") is None


def test_mistakes_at_home_are_no_attack_on_the_user(made: Failures) -> None:
    made.forgive(HERE, "alice")
    for _ in range(MAX_OF_USER):
        guess(made, HERE, times=MAX_OF_PAIR - 1)
        made.forgive(HERE, "alice")
    assert made.crowd(THERE, "alice") is None


def test_a_right_guess_begins_anew(made: Failures) -> None:
    guess(made, HERE)
    made.forgive(HERE, "alice")
    assert made.crowd(HERE, "alice") is None
    assert guess(made, HERE, times=1) == [Failed.LITTLE]


def test_what_is_remembered_is_bounded_and_many_made_up_users_wash_nothing_away(
    made: Failures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "MAX_ENTRIES", 16)
    guess(made, HERE)
    for number in range(100):
        made.note(HERE, f"nobody-{number}" * 1000)
        made.forgive(THERE, f"somebody-{number}")
    assert made.crowd(HERE, "alice") is not None
    assert len(made._times) <= 16 and len(made._right) <= 16
    assert max(len(user) for _, user in made._times) == 32


@pytest.mark.parametrize("passed", [0.0, WINDOW_S + 1])
def test_however_many_users_were_made_up_guesses_for_others_are_counted(
    made: Failures, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, passed: float
) -> None:
    """With so many wrong guesses for each that all entries slow somebody down, now or before."""
    monkeypatch.setattr(failures, "MAX_ENTRIES", 64)
    for number in range(64):
        guess(made, HERE, f"nobody-{number}")
    clock.now += passed
    each = [(made.note(HERE, "alice"), made.note(HERE, "bob")) for _ in range(MAX_OF_PAIR + 1)]
    assert each[-2:] == [(Failed.LIMIT, Failed.LIMIT), (Failed.TOO_MUCH, Failed.TOO_MUCH)]
    assert len(made._times) <= 64
