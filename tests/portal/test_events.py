import pytest

from libvirt_webrtc.portal import events
from tests.portal.fakes import GUARD, FakeAgent, Served, Viewer, domain, listing, next_list, shown


async def test_the_list_comes_at_once_and_after_each_change(signed_in: Viewer, agent: FakeAgent) -> None:
    async with signed_in.get("/api/events") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        assert await next_list(response) == shown(listing(domain()))
        for name in ("first", "second\nline", "drei \u2028 ü"):
            agent.lists.set(listing(domain(name)))
            assert (await next_list(response))["domains"][0]["name"] == name


async def test_every_viewer_gets_every_change(signed_in: Viewer, script: Viewer, agent: FakeAgent) -> None:
    async with signed_in.get("/api/events") as page, script.get("/api/events") as program:
        await next_list(page)
        await next_list(program)
        agent.lists.set(listing())
        assert (await next_list(page))["domains"] == (await next_list(program))["domains"] == []


async def test_comments_come_in_between(signed_in: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "COMMENT_S", 0.01)
    async with signed_in.get("/api/events") as response:
        await next_list(response)
        for _ in range(3):
            assert await response.content.readuntil(b"\n\n") == b":\n\n"


async def test_a_client_that_left_is_noticed(
    server: Served, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "COMMENT_S", 0.01)
    async with Viewer(server) as viewer:
        viewer.use_token()
        async with viewer.get("/api/events") as response:
            await next_list(response)
            assert agent.watchers == 1 + GUARD and not agent.unwatched.is_set()
    await agent.unwatched.wait()


async def test_the_stream_ends_with_the_agent(signed_in: Viewer, agent: FakeAgent) -> None:
    async with signed_in.get("/api/events") as response:
        await next_list(response)
        agent.lists.close()
        assert await response.content.read() == b""
    assert agent.watchers == 0


async def test_head_does_not_stream(signed_in: Viewer) -> None:
    async with signed_in.request("HEAD", "/api/events") as response:
        assert response.status == 200
        assert await response.read() == b""
