"""Wrong tokens slow down who sends them, and nobody else."""

import asyncio
import logging
from contextlib import AsyncExitStack
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from libvirt_webrtc.portal.auth import throttle
from libvirt_webrtc.portal.auth.failures import MAX_OF_PAIR
from libvirt_webrtc.portal.auth.throttle import MAX_IN_FLIGHT, MAX_IN_TURN, Throttle
from libvirt_webrtc.portal.connections import PortalConnection, connection_of
from libvirt_webrtc.portal.problems import Problem
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


def request_from(address: str) -> web.Request:
    connection = Mock(spec=PortalConnection)
    connection.lost, connection.peername = asyncio.Event(), (address, 50000)
    return make_mocked_request("POST", "/api/session", protocol=connection)


async def statuses(made: Throttle, address: str, times: int) -> list[int]:
    return [(await made.refuse(request_from(address), "token", WRONG)).status for _ in range(times)]


async def test_too_many_wrong_tokens_are_told_when_to_come_again(
    viewer: Viewer, clock: FakeClock, no_pause: None
) -> None:
    for attempt in range(MAX_OF_PAIR):
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
    await guess(viewer, MAX_OF_PAIR + 3)
    for known in (script, signed_in):
        async with known.get("/api/domains") as response:
            assert response.status == 200
    await viewer.sign_in()


async def test_wrong_bearer_tokens_count_too(viewer: Viewer, no_pause: None) -> None:
    viewer.use_token(WRONG)
    for _ in range(MAX_OF_PAIR):
        async with viewer.get("/api/domains") as response:
            assert await refusal(response) == (401, "wrong_token")
    async with viewer.get("/api/domains") as response:
        assert await refusal(response) == (429, "too_many_failures")
        assert response.headers["Retry-After"] == "300"


async def test_further_wrong_tokens_are_answered_slowly_and_right_ones_at_once(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "PAUSE_S", 60.0)
    await guess(viewer, MAX_OF_PAIR)
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
    made, request = Throttle(FakeClock()), request_from("a")
    await statuses(made, "a", MAX_OF_PAIR)
    held = asyncio.create_task(made.refuse(request, "token", WRONG))
    await asyncio.sleep(0)
    connection_of(request).lost.set()
    async with asyncio.timeout(10):
        assert (await held).status == 429


async def test_answers_that_are_held_back_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "PAUSE_S", 60.0)
    monkeypatch.setattr(throttle, "MAX_PAUSED", 2)
    made = Throttle(FakeClock())
    await statuses(made, "a", MAX_OF_PAIR)
    held = [asyncio.create_task(made.refuse(request_from("a"), "token", WRONG)) for _ in range(2)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        assert (await made.refuse(request_from("a"), "token", WRONG)).status == 429
    for task in held:
        task.cancel()
    await asyncio.wait(held)


async def test_only_the_address_that_guesses_is_slowed_down_and_only_for_that_user(no_pause: None) -> None:
    made = Throttle(FakeClock())
    assert await statuses(made, "a", MAX_OF_PAIR + 1) == [401] * MAX_OF_PAIR + [429]
    assert await statuses(made, "b", 1) == [401]
    assert (await made.refuse(request_from("a"), "alice", WRONG)).status == 401


async def test_a_password_is_looked_at_at_once_where_nobody_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "PAUSE_S", 3600.0)
    made = Throttle(FakeClock())
    async with asyncio.timeout(10), made.turn(request_from("a"), "alice"):
        pass


async def test_guesses_take_turns_and_a_right_password_passes_after_the_pause(no_pause: None) -> None:
    made = Throttle(FakeClock())
    for _ in range(MAX_OF_PAIR):
        await made.refuse(request_from("a"), "alice", WRONG)
    async with AsyncExitStack() as attack:
        for _ in range(MAX_IN_TURN):
            await attack.enter_async_context(made.turn(request_from("a"), "alice"))
        with pytest.raises(Problem) as refused:
            async with made.turn(request_from("a"), "alice"):
                raise AssertionError("it was looked at")
        assert (refused.value.status, refused.value.retry_after_s) == (429, 1)
        # Neither her other devices nor other users wait for the attacker's turns.
        async with made.turn(request_from("b"), "alice"), made.turn(request_from("a"), "bob"):
            pass
    async with made.turn(request_from("a"), "alice"):
        made.succeeded(request_from("a"), "alice")
    assert (await made.refuse(request_from("a"), "alice", WRONG)).status == 401


async def test_guesses_at_the_same_time_are_bounded_before_one_of_them_is_wrong() -> None:
    made = Throttle(FakeClock())
    async with AsyncExitStack() as attack:
        for _ in range(MAX_IN_FLIGHT):
            await attack.enter_async_context(made.turn(request_from("a"), "alice"))
        with pytest.raises(Problem, match="at the same time"):
            async with made.turn(request_from("a"), "alice"):
                raise AssertionError("it was looked at")


async def test_who_leaves_before_the_turn_comes_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    made, request = Throttle(FakeClock()), request_from("a")
    await statuses(made, "a", MAX_OF_PAIR)
    monkeypatch.setattr(throttle, "PAUSE_S", 3600.0)

    async def guess_once() -> None:
        async with made.turn(request, "token"):
            raise AssertionError("it was looked at")

    waiting = asyncio.create_task(guess_once())
    await asyncio.sleep(0)
    connection_of(request).lost.set()
    async with asyncio.timeout(10):
        with pytest.raises(ConnectionResetError):
            await waiting


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
    await statuses(made, first, MAX_OF_PAIR)
    assert await statuses(made, second, 1) == [429]


@pytest.mark.parametrize(
    ("first", "second"), [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8:0:1::1"), ("127.0.0.1", "")]
)
async def test_addresses_of_different_clients_do_not(no_pause: None, first: str, second: str) -> None:
    made = Throttle(FakeClock())
    await statuses(made, first, MAX_OF_PAIR)
    assert await statuses(made, second, 1) == [401]


async def test_guessing_does_not_flood_the_log(no_pause: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await statuses(Throttle(FakeClock()), "a", 100)
    assert len(caplog.records) <= MAX_OF_PAIR + 1
