"""The viewers that a session has: who may end them, and when they are taken back."""

import asyncio

import pytest

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.agent.interface import Answer
from tests.portal.fakes import (
    OTHER_UUID,
    UUID,
    FakeAgent,
    Served,
    Viewer,
    refusal,
)


async def test_a_silent_agent_is_given_up(
    signed_in: Viewer, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(uuid: str, console: int, sdp: str, grant: Grant) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(limits, "AGENT_ANSWER_S", 0.01)
    monkeypatch.setattr(agent, "offer", silent)
    async with signed_in.offer() as response:
        assert await refusal(response) == (503, "console_silent")


async def test_an_offer_answered_after_the_session_ended_is_taken_back(
    signed_in: Viewer, agent: FakeAgent
) -> None:
    agent.go.clear()

    async def post() -> tuple[int, str]:
        async with signed_in.offer() as response:
            return await refusal(response)

    task = asyncio.create_task(post())
    await agent.asked.wait()
    async with signed_in.request("DELETE", "/api/session") as response:
        assert response.status == 204
    agent.go.set()
    assert await task == (401, "not_signed_in")
    assert len(agent.offers) == 1 and not agent.viewers


async def test_deleting_the_location_ends_the_viewer(signed_in: Viewer, agent: FakeAgent) -> None:
    async with signed_in.offer() as response:
        location = response.headers["Location"]
    async with signed_in.request("DELETE", location) as response:
        assert response.status == 200
    assert not agent.viewers
    async with signed_in.request("DELETE", location) as response:
        assert await refusal(response) == (404, "no_such_viewer")


async def test_a_viewer_that_ended_by_itself_is_not_found(signed_in: Viewer, agent: FakeAgent) -> None:
    async with signed_in.offer() as response:
        location = response.headers["Location"]
    agent.viewers.clear()
    async with signed_in.request("DELETE", location) as response:
        assert await refusal(response) == (404, "no_such_viewer")


async def test_only_who_opened_a_viewer_can_end_it(
    server: Served, signed_in: Viewer, script: Viewer, agent: FakeAgent
) -> None:
    async with signed_in.offer() as response:
        location = response.headers["Location"]
    async with Viewer(server) as other:
        await other.sign_in()
        for stranger in (other, script):
            async with stranger.request("DELETE", location) as response:
                assert await refusal(response) == (404, "no_such_viewer")
    assert list(agent.viewers) == ["viewer1"]


async def test_a_viewer_is_only_found_at_its_own_console(signed_in: Viewer, agent: FakeAgent) -> None:
    async with signed_in.offer():
        pass
    for path in (
        f"/api/domains/{OTHER_UUID}/consoles/0/whep/viewer1",
        f"/api/domains/{UUID}/consoles/1/whep/viewer1",
    ):
        async with signed_in.request("DELETE", path) as response:
            assert response.status == 404
    assert list(agent.viewers) == ["viewer1"]
