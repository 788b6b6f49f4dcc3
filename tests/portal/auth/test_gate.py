"""Whose request it is."""

import asyncio

import pytest
from yarl import URL

from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from tests.portal.fakes import TOKEN, UUID, WHEP, FakeAgent, Served, Viewer, refusal

PROTECTED = [
    ("POST", f"/api/domains/{UUID}/actions/attach"),
    ("GET", "/api/domains"),
    ("GET", "/api/events"),
    ("GET", "/webrtc-config"),
    ("GET", f"/api/domains/{UUID}/consoles/0/stats"),
    ("POST", WHEP),
    ("DELETE", WHEP + "/viewer1"),
    ("DELETE", "/api/session"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
async def test_the_api_needs_a_session(viewer: Viewer, method: str, path: str) -> None:
    async with viewer.request(method, path) as response:
        assert await refusal(response) == (401, "not_signed_in")
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), PROTECTED)
async def test_the_cookie_alone_opens_nothing(signed_in: Viewer, method: str, path: str) -> None:
    """Browsers send it to every port of this host, so other programs here get to know it."""
    async with signed_in.request(method, path, {KEY_HEADER: None}) as response:
        assert await refusal(response) == (401, "not_signed_in")
    async with signed_in.request(method, path, {KEY_HEADER: "guess"}) as response:
        assert await refusal(response) == (401, "not_signed_in")


@pytest.mark.parametrize(("method", "path"), PROTECTED)
async def test_the_key_alone_opens_nothing(signed_in: Viewer, method: str, path: str) -> None:
    async with signed_in.request(method, path, {"Cookie": None}) as response:
        assert await refusal(response) == (401, "not_signed_in")


@pytest.mark.parametrize("path", ["/", f"/console/{UUID}"])
async def test_the_cookie_opens_pages_which_are_the_same_for_all(signed_in: Viewer, path: str) -> None:
    async with signed_in.get(path, headers={KEY_HEADER: None, "Origin": None}) as response:
        assert response.status == 200
    async with signed_in.get(path, headers={"Cookie": None}) as response:
        assert response.status == 303


@pytest.mark.parametrize("path", ["/", f"/console/{UUID}", f"/console/{UUID}?console=1&fit=0"])
async def test_pages_redirect_to_login_and_name_the_way_back(viewer: Viewer, path: str) -> None:
    async with viewer.get(path) as response:
        assert response.status == 303
        asked, login = URL(f"https://vm.example.org/some/folder{path}"), URL(response.headers["Location"])
        assert not login.absolute
        there = asked.join(login)
        assert there.path == "/some/folder/login"
        assert there.join(URL(".")).join(URL(there.query["next"])) == asked
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/healthz", "/login", "/login?next=%2F", "/api/sign-in", "/static/core/session.js"]
)
async def test_public_paths_need_no_session(viewer: Viewer, path: str) -> None:
    async with viewer.get(path) as response:
        assert response.status == 200


@pytest.mark.parametrize("path", ["/static/../api/domains", "/static/%2e%2e/api/domains", "//api/domains"])
async def test_another_spelling_of_a_path_opens_nothing(server: Served, path: str) -> None:
    assert server.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    assert answer.split()[1] in (b"404", b"401") and b"demo" not in answer
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("value", ["Basic dTpw", f"Bearer {TOKEN}"])
@pytest.mark.parametrize("path", ["/api/session", "/api/session/proxy", "/api/session/oidc", "/api/share"])
async def test_authorization_that_nobody_looks_at_does_not_stand_for_our_own_origin(
    viewer: Viewer, path: str, value: str
) -> None:
    headers = {"Origin": "https://evil.example", "Authorization": value}
    async with viewer.request("POST", path, headers, json={"token": TOKEN}) as response:
        assert await refusal(response) == (403, "wrong_origin")


async def test_bearer_is_taken_in_place_of_a_session(script: Viewer) -> None:
    async with script.get("/api/domains") as response:
        assert response.status == 200
    async with script.offer() as response:
        assert response.status == 201


@pytest.mark.parametrize("value", ["Bearer wrong", "Basic dTpw", "Bearer", "Bearer \xff", TOKEN])
async def test_other_authorization_is_refused(viewer: Viewer, value: str) -> None:
    async with viewer.get("/api/domains", headers={"Authorization": value}) as response:
        assert (await refusal(response))[0] == 401


@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", "http://localhost:1", "http://127.0.0.1"]
)
@pytest.mark.parametrize(("method", "path"), [("POST", WHEP), ("DELETE", "/api/session")])
async def test_a_change_with_a_cookie_needs_our_own_origin(
    signed_in: Viewer, agent: FakeAgent, method: str, path: str, origin: str | None
) -> None:
    async with signed_in.request(method, path, {"Origin": origin}) as response:
        assert await refusal(response) == (403, "wrong_origin")
    async with signed_in.get("/api/domains") as response:
        assert response.status == 200
    assert agent.offers == []
