from libvirt_webrtc.agent.interface import Action
from libvirt_webrtc.errors import CannotAttach
from tests.portal.fakes import (
    UUID,
    FakeAgent,
    Viewer,
    refusal,
)


async def test_the_list_is_the_agents(signed_in: Viewer) -> None:
    async with signed_in.get("/api/domains") as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.json() == {
            "libvirt": {"connected": True, "problem": None, "uri": "qemu:///system"},
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
                    "role": "admin",
                }
            ],
            "user": {"name": "token", "method": "token"},
        }


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
