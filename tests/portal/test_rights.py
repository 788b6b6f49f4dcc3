"""Every route for everybody, by the list of rights."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.agent.interface import Action
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal.app import create_app
from libvirt_webrtc.portal.connections import ConnectionLimits
from libvirt_webrtc.portal.routes.rights import ACTIONS, ROUTES, Need
from libvirt_webrtc.portal.web_files import WebFiles
from tests.portal.fakes import OTHER_UUID, TOKEN, UUID, FakeAgent, Served, Viewer, refusal
from tests.portal.people import ROLES, people_at, rule

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
"""A WebSocket's request."""
SIGN_OUT = ("DELETE", "/api/session")
WHO = ("nobody", "other", *map(str, ROLES))
"""Not signed in; admin of another domain; without a role; with each role."""


def requests() -> Iterator[tuple[str, str, Need | Role]]:
    """Method, path and need of every route, each action on its own; signing out comes last."""
    for (method, route), need in sorted(ROUTES.items(), key=lambda each: each[0] == SIGN_OUT):
        path = route.replace("{uuid}", UUID).replace("{console}", "0").replace("{viewer}", "v")
        path = path.replace("{path}", "core/session.js").replace("{link}", "0123abcd")
        if need is not Need.ACTION:
            yield method, path, need
            continue
        for action, role in ACTIONS.items():
            yield method, path.replace("{action}", action), role


def application(agent: FakeAgent, web_folder: Path) -> web.Application:
    return create_app(agent, Config(), TOKEN, web_files=WebFiles.load(web_folder))


def test_every_route_is_in_the_list_of_rights(agent: FakeAgent, web_folder: Path) -> None:
    """A new route: say in portal/routes/rights.py what it needs."""
    registered = {
        (route.method, "" if route.resource is None else route.resource.canonical)
        for route in application(agent, web_folder).router.routes()
        if route.method != "HEAD"
    }
    assert registered == set(ROUTES)


def test_every_action_is_in_the_list_of_rights() -> None:
    assert set(ACTIONS) == set(Action)


async def test_a_route_that_is_not_in_the_list_is_closed(agent: FakeAgent, web_folder: Path) -> None:
    app = application(agent, web_folder)

    async def handler(request: web.Request) -> web.Response:
        raise AssertionError

    app.router.add_get("/new", handler)
    async with Served(app, ConnectionLimits()) as served, Viewer(served) as script:
        script.use_token()
        async with script.get("/new") as response:
            assert await refusal(response) == (403, "no_right")


@pytest.mark.parametrize("who", WHO)
async def test_everybody_gets_what_the_list_says_and_no_more(
    who: str, agent: FakeAgent, web_folder: Path, tmp_path: Path
) -> None:
    rules = [rule(role, str(role)) for role in Role] + [rule(Role.ADMIN, "other", domains=[OTHER_UUID])]
    role = Role.parse(who) if who in map(str, Role) else None
    async with people_at(tmp_path, web_folder, agent, ["other", *map(str, ROLES)], *rules) as people:
        viewer = await (people.stranger() if who == "nobody" else people.viewer(who))
        for method, path, need in requests():
            headers = {"Content-Type": "application/sdp"} if method == "POST" else {}
            if path.endswith("/stream"):
                headers = UPGRADE
            async with viewer.request(
                method, path, headers, data=b"v=0" if method == "POST" else None
            ) as response:
                told = (method, path, response.status)
                if need is Need.PUBLIC:
                    # 404: a way of signing in that is not set up here.
                    assert response.status in (200, 400, 404), told
                elif who == "nobody" and need is Need.PAGE:
                    assert response.status == 303, told
                elif who == "nobody":
                    assert await refusal(response) == (401, "not_signed_in"), told
                elif need is Need.ANY_DOMAIN and role is None:
                    assert await refusal(response) == (403, "no_role"), told
                elif not isinstance(need, Role):
                    done = 204 if (method, path) == SIGN_OUT else 404 if method == "DELETE" else 200
                    assert response.status == done, told
                elif role is None:
                    assert await refusal(response) == (404, "no_such_domain"), told
                elif role < need:
                    assert await refusal(response) == (403, "role_too_low"), told
                elif path.partition(f"{UUID}/")[2].startswith("links") and method != "GET":
                    wanted = (400, "bad_request") if method == "POST" else (404, "no_such_link")
                    assert await refusal(response) == wanted, told
                else:
                    assert response.status in (101, 200, 201, 202), told
    granted = set() if role is None else {("id-" + who, who, role)}
    assert {(grant.session, grant.name, grant.role) for grant in agent.grants} == granted
    assert bool(agent.actions) == (role is not None and role >= Role.OPERATE)


async def test_a_hidden_domain_is_as_one_that_does_not_exist(
    agent: FakeAgent, web_folder: Path, tmp_path: Path
) -> None:
    async with people_at(tmp_path, web_folder, agent, ["ann"]) as people:
        ann = await people.viewer("ann")
        async with ann.get(f"/api/domains/{UUID}/consoles/0/stats") as hidden:
            text = await hidden.text()
        async with ann.get(f"/api/domains/{OTHER_UUID}/consoles/0/stats") as missing:
            assert (missing.status, await missing.text()) == (404, text.replace(UUID, OTHER_UUID))
