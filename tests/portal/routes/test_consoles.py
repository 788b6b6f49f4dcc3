import json

import pytest

from libvirt_webrtc.agent.interface import ConsoleState
from libvirt_webrtc.config.ice import IceConfig, IceServer
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.errors import (
    ConsoleStarting,
    GatheringError,
    HypervisorError,
    HypervisorUnavailable,
    MediaError,
    NegotiationError,
    NoConsole,
    NoSuchDomain,
    TooManyViewers,
    WorkerError,
    WorkerGone,
)
from tests.portal.fakes import (
    ANSWER,
    OFFER,
    STATS,
    UUID,
    WHEP,
    FakeAgent,
    Serve,
    Viewer,
    domain,
    listing,
    refusal,
)


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


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (NegotiationError("no video"), 400, "bad_offer"),
        (GatheringError("check the TURN server"), 504, "no_candidates"),
        (NoSuchDomain("none"), 404, "no_such_domain"),
        (ConsoleStarting("soon"), 503, "console_starting"),
        (TooManyViewers("64 viewers"), 503, "too_many_viewers"),
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


async def test_with_a_secret_each_viewer_has_credentials_of_its_own(serve: Serve) -> None:
    ice = IceConfig((IceServer(("turn:turn.example",)),), secret="of-this-test-alone")
    async with Viewer(await serve(Config(ice=ice))) as viewer:
        viewer.use_token()
        users = []
        for _ in range(2):
            async with viewer.get("/webrtc-config") as response:
                text = await response.text()
                assert "of-this-test-alone" not in text and response.headers["Cache-Control"] == "no-store"
                (server,) = json.loads(text)["iceServers"]
                users.append(server["username"])
        assert users[0] != users[1]
