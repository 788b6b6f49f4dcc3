"""Wrong tokens slow down who sends them, and nobody else."""

import asyncio
import logging

import pytest

from libvirt_webrtc.portal.auth import throttle
from libvirt_webrtc.portal.auth.throttle import FAILURE_WINDOW_S, MAX_FAILURES, Throttle
from tests.portal.fakes import FakeClock, Viewer, refusal

WRONG = "wrong"


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "PAUSE_S", 0.0)


async def guess(viewer: Viewer, times: int) -> None:
    """Sign in with wrong tokens."""
    for _ in range(times):
        async with viewer.login(WRONG) as response:
            assert response.status in (401, 429)


async def statuses(made: Throttle, address: str, times: int) -> list[int]:
    return [(await made.refuse(address, WRONG, asyncio.Event())).status for _ in range(times)]


async def test_too_many_wrong_tokens_are_told_when_to_come_again(
    viewer: Viewer, clock: FakeClock, no_pause: None
) -> None:
    for attempt in range(MAX_FAILURES):
        async with viewer.login(WRONG) as response:
            assert response.status == 401, attempt
    clock.now += 10
    async with viewer.login(WRONG) as response:
        assert await refusal(response) == (429, "too_many_failures")
        assert response.headers["Retry-After"] == "290"
    clock.now += 290
    async with viewer.login(WRONG) as response:
        assert await refusal(response) == (401, "wrong_token")


async def test_whoever_has_the_token_is_let_in_after_any_number_of_wrong_ones(
    viewer: Viewer, signed_in: Viewer, script: Viewer, no_pause: None
) -> None:
    """All of them come from one address, as everybody behind a tunnel or a proxy does."""
    await guess(viewer, MAX_FAILURES + 3)
    for known in (script, signed_in):
        async with known.get("/api/domains") as response:
            assert response.status == 200
    await viewer.sign_in()


async def test_wrong_bearer_tokens_count_too(viewer: Viewer, no_pause: None) -> None:
    viewer.use_token(WRONG)
    for _ in range(MAX_FAILURES):
        async with viewer.get("/api/domains") as response:
            assert await refusal(response) == (401, "wrong_token")
    async with viewer.get("/api/domains") as response:
        assert await refusal(response) == (429, "too_many_failures")
        assert response.headers["Retry-After"] == "300"


async def test_further_wrong_tokens_are_answered_slowly_and_right_ones_at_once(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "PAUSE_S", 60.0)
    await guess(viewer, MAX_FAILURES)
    guessing = asyncio.create_task(guess(viewer, 1))
    async with asyncio.timeout(10):
        await viewer.sign_in()
    assert not guessing.done()
    guessing.cancel()
    await asyncio.wait({guessing})


async def test_an_answer_for_which_nobody_waits_any_more_is_not_held_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(throttle, "PAUSE_S", 3600.0)
    made, gone = Throttle(FakeClock()), asyncio.Event()
    await statuses(made, "a", MAX_FAILURES)
    held = asyncio.create_task(made.refuse("a", WRONG, gone))
    await asyncio.sleep(0)
    gone.set()
    async with asyncio.timeout(10):
        assert (await held).status == 429


async def test_answers_that_are_held_back_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "PAUSE_S", 60.0)
    monkeypatch.setattr(throttle, "MAX_PAUSED", 2)
    made = Throttle(FakeClock())
    await statuses(made, "a", MAX_FAILURES)
    held = [asyncio.create_task(made.refuse("a", WRONG, asyncio.Event())) for _ in range(2)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        assert (await made.refuse("a", WRONG, asyncio.Event())).status == 429
    for task in held:
        task.cancel()
    await asyncio.wait(held)


async def test_failures_far_apart_are_mistakes() -> None:
    clock = FakeClock()
    made = Throttle(clock)
    for _ in range(3 * MAX_FAILURES):
        assert await statuses(made, "a", 1) == [401]
        clock.now += FAILURE_WINDOW_S / (MAX_FAILURES - 1)


async def test_only_the_address_that_guesses_is_slowed_down(no_pause: None) -> None:
    made = Throttle(FakeClock())
    assert await statuses(made, "a", MAX_FAILURES + 1) == [401] * MAX_FAILURES + [429]
    assert await statuses(made, "b", 1) == [401]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("127.0.0.1", "127.1.0.200"),
        ("127.0.0.1", "::1"),
        ("127.0.0.1", "::ffff:127.0.0.9"),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
    ],
)
async def test_addresses_that_one_client_can_have_count_as_one(
    no_pause: None, first: str, second: str
) -> None:
    made = Throttle(FakeClock())
    await statuses(made, first, MAX_FAILURES)
    assert await statuses(made, second, 1) == [429]


@pytest.mark.parametrize(
    ("first", "second"), [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8:0:1::1"), ("127.0.0.1", "")]
)
async def test_addresses_of_different_clients_do_not(no_pause: None, first: str, second: str) -> None:
    made = Throttle(FakeClock())
    await statuses(made, first, MAX_FAILURES)
    assert await statuses(made, second, 1) == [401]


async def test_remembered_addresses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_CLIENTS", 2)
    made = Throttle(FakeClock())
    await statuses(made, "a", MAX_FAILURES)
    for address in ("b", "c"):
        await statuses(made, address, 1)
    assert await statuses(made, "a", 1) == [401]


async def test_guessing_does_not_flood_the_log(no_pause: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await statuses(Throttle(FakeClock()), "a", 100)
    assert len(caplog.records) <= MAX_FAILURES + 1
