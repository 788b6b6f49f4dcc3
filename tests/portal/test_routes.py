import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer

from libvirt_webrtc import __version__
from libvirt_webrtc.agent.interface import Action, Answer, ConsoleState
from libvirt_webrtc.config.ice import IceConfig, IceServer
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.errors import (
    CannotAttach,
    ConsoleStarting,
    HypervisorError,
    HypervisorUnavailable,
    MediaError,
    NegotiationError,
    NoConsole,
    NoSuchDomain,
    WorkerError,
    WorkerGone,
)
from libvirt_webrtc.portal import body, routes
from tests.portal.conftest import Serve
from tests.portal.fakes import (
    ANSWER,
    OFFER,
    OTHER_UUID,
    STATS,
    UUID,
    WHEP,
    FakeAgent,
    Viewer,
    domain,
    listing,
    refusal,
)


async def test_health_tells_the_version(viewer: Viewer) -> None:
    async with viewer.get("/healthz") as response:
        assert response.status == 200
        assert await response.json() == {"status": "ok", "version": __version__}


async def test_the_list_is_the_agents(signed_in: Viewer) -> None:
    async with signed_in.get("/api/domains") as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.json() == {
            "libvirt": {"connected": True, "problem": None},
            "domains": [
                {
                    "uuid": UUID,
                    "name": "demo",
                    "state": "running",
                    "console": {"state": "ready", "reason": None},
                    "consoles": [
                        {
                            "index": 0,
                            "label": "VGA",
                            "width": 1024,
                            "height": 768,
                            "scanout": "map",
                            "viewers": 1,
                        }
                    ],
                    "worker_pid": 4242,
                    "actions": [],
                }
            ],
        }


async def test_what_a_console_does_is_told_in_numbers(signed_in: Viewer, agent: FakeAgent) -> None:
    path = f"/api/domains/{UUID}/consoles/0/stats"
    async with signed_in.get(path) as response:
        answer = await response.json()
        assert answer == STATS.as_json()
        assert answer["renditions"][0]["bits_per_second"] == 4e6 and answer["viewers"][0]["rtt_ms"] is None
    agent.error = NoConsole("there is no console 7")
    async with signed_in.get(path) as response:
        assert await refusal(response) == (404, "no_such_console")
    agent.error = WorkerGone("the console's worker ended")
    async with signed_in.get(path) as response:
        assert await refusal(response) == (502, "worker_failed")


async def test_the_ice_configuration_goes_to_viewers(serve: Serve) -> None:
    turn = IceServer(("turn:turn.example",), "webrtc", "secret")
    async with Viewer(await serve(Config(ice=IceConfig((turn,), "relay")))) as viewer:
        viewer.use_token()
        async with viewer.get("/webrtc-config") as response:
            assert await response.json() == {
                "iceServers": [{"urls": ["turn:turn.example"], "username": "webrtc", "credential": "secret"}],
                "iceTransportPolicy": "relay",
                "problem": None,
            }


async def test_a_broken_ice_configuration_refuses_offers_and_says_why(serve: Serve, agent: FakeAgent) -> None:
    async with Viewer(await serve(Config(ice=IceConfig(problem="fill it in")))) as viewer:
        viewer.use_token()
        async with viewer.get("/webrtc-config") as response:
            assert (await response.json())["problem"] == "fill it in"
        async with viewer.offer() as response:
            assert (await response.json())["message"] == "fill it in"
            assert await refusal(response) == (503, "ice_configuration")
            assert int(response.headers["Retry-After"]) > 0
    assert agent.offers == []


async def test_an_offer_is_answered_with_sdp_and_a_location(signed_in: Viewer, agent: FakeAgent) -> None:
    async with signed_in.offer() as response:
        assert response.status == 201
        assert response.headers["Content-Type"] == "application/sdp"
        assert response.headers["Location"] == f"{WHEP}/viewer1"
        assert await response.text() == ANSWER
    assert agent.offers == [(UUID, 0, OFFER)]


async def test_the_uuids_case_and_content_type_parameters_do_not_matter(
    signed_in: Viewer, agent: FakeAgent
) -> None:
    path = f"/api/domains/{UUID.upper()}/consoles/3/whep"
    async with signed_in.offer(path, **{"Content-Type": "Application/SDP; charset=utf-8"}) as response:
        assert response.status == 201
    assert agent.offers == [(UUID, 3, OFFER)]


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/sdpx", ""])
async def test_an_offer_must_be_sdp(signed_in: Viewer, content_type: str) -> None:
    async with signed_in.offer(**{"Content-Type": content_type}) as response:
        assert await refusal(response) == (415, "unsupported_media_type")


async def test_an_offer_of_64_kib_is_taken_and_one_byte_more_is_not(signed_in: Viewer) -> None:
    async with signed_in.offer(sdp=b"x" * 65536) as response:
        assert response.status == 201
    async with signed_in.offer(sdp=b"x" * 65537) as response:
        assert await refusal(response) == (413, "too_large")


async def test_a_body_without_a_length_is_bounded_too(signed_in: Viewer) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b"x" * 1024

    headers = {"Content-Type": "application/sdp"}
    async with signed_in.request("POST", WHEP, headers, data=stream()) as response:
        assert await refusal(response) == (413, "too_large")


async def test_an_offer_that_is_not_utf_8_is_refused(signed_in: Viewer) -> None:
    async with signed_in.offer(sdp=b"v=0\xff") as response:
        assert await refusal(response) == (400, "bad_request")


async def test_a_body_that_does_not_come_is_given_up(
    server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "BODY_TIMEOUT_S", 0.01)
    assert server.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n{")
    assert b" 408 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (NegotiationError("no video"), 400, "bad_offer"),
        (NoSuchDomain("none"), 404, "no_such_domain"),
        (ConsoleStarting("soon"), 503, "console_starting"),
        (HypervisorUnavailable("down"), 503, "libvirt_unavailable"),
        (HypervisorError("no"), 502, "libvirt_failed"),
        (WorkerGone("gone"), 502, "worker_failed"),
        (WorkerError("broken"), 502, "worker_failed"),
        (MediaError("broken"), 500, "failed"),
    ],
)
async def test_an_offers_failure_has_its_status(
    signed_in: Viewer, agent: FakeAgent, error: Exception, status: int, kind: str
) -> None:
    agent.error = error
    async with signed_in.offer() as response:
        assert (await response.json())["message"] == str(error)
        assert await refusal(response) == (status, kind)
        assert ("Retry-After" in response.headers) == (status == 503)


@pytest.mark.parametrize("state", [ConsoleState.NONE, ConsoleState.FAILED, ConsoleState.STARTING])
async def test_a_domain_without_a_console_is_a_conflict(
    signed_in: Viewer, agent: FakeAgent, state: ConsoleState
) -> None:
    agent.lists.set(listing(domain(state=state)))
    agent.error = NoConsole("not running")
    async with signed_in.offer() as response:
        assert (await response.json())["message"] == "not running"
        assert await refusal(response) == (409, "no_console")


async def test_a_console_number_that_a_ready_domain_lacks_is_not_found(
    signed_in: Viewer, agent: FakeAgent
) -> None:
    agent.error = NoConsole("there is no console 7")
    async with signed_in.offer(f"/api/domains/{UUID}/consoles/7/whep") as response:
        assert await refusal(response) == (404, "no_such_console")


@pytest.mark.parametrize("path", ["/api/domains/x/consoles/0/whep", f"/api/domains/{UUID}/consoles/-1/whep"])
async def test_a_malformed_address_is_not_found(signed_in: Viewer, path: str) -> None:
    async with signed_in.offer(path) as response:
        assert await refusal(response) == (404, "not_found")


async def test_a_silent_agent_is_given_up(
    signed_in: Viewer, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(uuid: str, console: int, sdp: str) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(routes, "OFFER_TIMEOUT_S", 0.01)
    monkeypatch.setattr(agent, "offer", silent)
    async with signed_in.offer() as response:
        assert await refusal(response) == (503, "console_silent")


async def test_an_offer_answered_after_the_session_ended_is_taken_back(
    signed_in: Viewer, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go = asyncio.Event(), asyncio.Event()
    answer = agent.offer

    async def slow(uuid: str, console: int, sdp: str) -> Answer:
        asked.set()
        await go.wait()
        return await answer(uuid, console, sdp)

    monkeypatch.setattr(agent, "offer", slow)

    async def post() -> tuple[int, str]:
        async with signed_in.offer() as response:
            return await refusal(response)

    task = asyncio.create_task(post())
    await asked.wait()
    async with signed_in.request("DELETE", "/api/session") as response:
        assert response.status == 204
    go.set()
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
    server: TestServer, signed_in: Viewer, script: Viewer, agent: FakeAgent
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


async def test_an_action_is_begun(signed_in: Viewer, agent: FakeAgent) -> None:
    path = f"/api/domains/{UUID.upper()}/actions/attach"
    async with signed_in.request("POST", path) as response:
        assert response.status == 202
    assert agent.actions == [(UUID, Action.ATTACH)]
    async with signed_in.request("POST", path, {"Origin": "http://evil.example"}) as response:
        assert response.status == 403
    async with signed_in.request("POST", f"/api/domains/{UUID}/actions/explode") as response:
        assert await refusal(response) == (404, "no_such_action")
    agent.error = CannotAttach("it uses a device of the host")
    async with signed_in.request("POST", path) as response:
        assert await refusal(response) == (409, "cannot_attach")
    assert len(agent.actions) == 1
