import asyncio

import pytest
from aiohttp.test_utils import TestServer

from libvirt_webrtc.portal import auth
from libvirt_webrtc.portal.auth import BAN_S, COOKIE, FAILURE_WINDOW_S, MAX_FAILURES, MAX_LOGINS, Failures
from libvirt_webrtc.portal.problems import Problem
from tests.portal.fakes import TOKEN, UUID, WHEP, Clock, FakeAgent, Viewer, refusal

PROTECTED = [
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


@pytest.mark.parametrize("path", ["/", f"/console/{UUID}", f"/console/{UUID}?console=1&fit=0"])
async def test_pages_redirect_to_login_and_name_the_way_back(viewer: Viewer, path: str) -> None:
    async with viewer.get(path) as response:
        assert response.status == 303
        next_page = path.replace("/", "%2F").replace("?", "%3F").replace("=", "%3D").replace("&", "%26")
        assert response.headers["Location"] == f"/login?next={next_page}"
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/healthz", "/login", "/login?next=%2F", "/static/core/session.js"])
async def test_public_paths_need_no_session(viewer: Viewer, path: str) -> None:
    async with viewer.get(path) as response:
        assert response.status == 200


@pytest.mark.parametrize("path", ["/static/../api/domains", "/static/%2e%2e/api/domains", "//api/domains"])
async def test_another_spelling_of_a_path_opens_nothing(server: TestServer, path: str) -> None:
    assert server.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    assert answer.split()[1] in (b"404", b"401") and b"demo" not in answer
    writer.close()
    await writer.wait_closed()


async def test_the_right_token_opens_a_session(signed_in: Viewer) -> None:
    async with signed_in.get("/api/domains") as response:
        assert response.status == 200
    async with signed_in.get("/") as response:
        assert response.status == 200


async def test_the_cookie_has_every_protection(viewer: Viewer) -> None:
    async with viewer.login() as response:
        assert response.status == 204
        name, *flags = response.headers["Set-Cookie"].split("; ")
    assert name.startswith("__Host-libvirt-webrtc=") and len(name) > 60
    assert set(flags) == {"HttpOnly", "Secure", "SameSite=Strict", "Path=/", "Max-Age=43200"}


async def test_a_wrong_token_is_refused(viewer: Viewer) -> None:
    async with viewer.login("wrong") as response:
        assert await refusal(response) == (401, "wrong_token")
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"token"', b'{"token": 1}', b"{}", b"\xff", b"[" * 60000]
)
async def test_a_malformed_login_is_refused_and_counts_as_no_guess(viewer: Viewer, body: bytes) -> None:
    for _ in range(MAX_FAILURES + 1):
        async with viewer.request("POST", "/api/session", data=body) as response:
            assert await refusal(response) == (400, "bad_request")


@pytest.mark.parametrize("token", ["\udfff", "ü", "", "x" * 60000])
async def test_strange_tokens_are_merely_wrong(viewer: Viewer, token: str) -> None:
    async with viewer.login(token) as response:
        assert await refusal(response) == (401, "wrong_token")


async def test_bearer_is_taken_in_place_of_a_session(script: Viewer) -> None:
    async with script.get("/api/domains") as response:
        assert response.status == 200
    async with script.offer() as response:
        assert response.status == 201


@pytest.mark.parametrize("value", ["Bearer wrong", "Basic dTpw", "Bearer", "Bearer \xff", TOKEN])
async def test_other_authorization_is_refused(viewer: Viewer, value: str) -> None:
    async with viewer.get("/api/domains", headers={"Authorization": value}) as response:
        assert (await refusal(response))[0] == 401


async def test_signing_out_ends_the_session_its_streams_and_its_consoles(
    signed_in: Viewer, script: Viewer, agent: FakeAgent
) -> None:
    async with signed_in.offer() as response:
        assert response.status == 201
    async with script.offer() as response:
        assert response.status == 201
    async with signed_in.get("/api/events") as stream:
        await stream.content.readuntil(b"\n\n")
        async with signed_in.request("DELETE", "/api/session") as response:
            assert response.status == 204
            assert response.cookies[COOKIE].value == ""
            assert response.cookies[COOKIE]["max-age"] == "0"
        assert await stream.content.read() == b""
    assert list(agent.viewers) == ["viewer2"]  # the script's stays
    async with signed_in.get("/api/domains") as response:
        assert response.status == 401


async def test_a_token_has_no_session_to_end(script: Viewer) -> None:
    async with script.request("DELETE", "/api/session") as response:
        assert await refusal(response) == (400, "no_session")


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


async def test_a_foreign_page_can_neither_sign_in_nor_cause_a_ban(viewer: Viewer) -> None:
    for _ in range(MAX_FAILURES + 1):
        evil = {"Origin": "https://evil.example"}
        async with viewer.request("POST", "/api/session", evil, json={"token": "guess"}) as response:
            assert await refusal(response) == (403, "wrong_origin")
    await viewer.sign_in()


async def test_a_script_signs_in_without_an_origin(viewer: Viewer) -> None:
    async with viewer.request("POST", "/api/session", json={"token": TOKEN}) as response:
        assert response.status == 204


async def test_too_many_wrong_tokens_ban_the_address_for_a_while(viewer: Viewer, clock: Clock) -> None:
    for attempt in range(MAX_FAILURES):
        async with viewer.login("wrong") as response:
            assert response.status == 401, attempt
    clock.now += 10
    async with viewer.login() as response:
        assert await refusal(response) == (429, "too_many_failures")
        assert response.headers["Retry-After"] == "290"
    clock.now += BAN_S - 10
    await viewer.sign_in()


async def test_wrong_bearer_tokens_count_too_and_sessions_go_on(
    viewer: Viewer, signed_in: Viewer, script: Viewer
) -> None:
    viewer.use_token("wrong")
    for _ in range(MAX_FAILURES):
        async with viewer.get("/api/domains") as response:
            assert await refusal(response) == (401, "wrong_token")
    for banned in (viewer, script):
        async with banned.get("/api/domains") as response:
            assert await refusal(response) == (429, "too_many_failures")
            assert response.headers["Retry-After"] == "300"
    async with signed_in.get("/api/domains") as response:
        assert response.status == 200


async def test_logins_in_flight_are_bounded(server: TestServer, viewer: Viewer) -> None:
    assert server.port is not None
    head = (
        b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\nExpect: 100-continue\r\n\r\n"
    )
    writers = []
    for _ in range(MAX_LOGINS):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writers.append(writer)
        writer.write(head)
        assert b" 100 " in await reader.readline()
    # All are past the "100 Continue", so all wait for a body that does not come.
    async with viewer.login() as response:
        assert await refusal(response) == (429, "too_many_logins")
        assert response.headers["Retry-After"] == "1"
    for writer in writers:
        writer.close()
        await writer.wait_closed()


def test_failures_far_apart_do_not_ban() -> None:
    clock = Clock()
    failures = Failures(clock)
    for _ in range(3 * MAX_FAILURES):
        failures.add("a")
        clock.now += FAILURE_WINDOW_S / (MAX_FAILURES - 1)
        failures.check("a")


def test_a_ban_is_for_one_address() -> None:
    failures = Failures(Clock())
    for _ in range(MAX_FAILURES):
        failures.add("a")
    failures.check("b")
    with pytest.raises(Problem):
        failures.check("a")


def test_remembered_addresses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "MAX_ADDRESSES", 2)
    failures = Failures(Clock())
    for address in ["a"] * MAX_FAILURES + ["b", "c"]:
        failures.add(address)
    failures.check("a")
