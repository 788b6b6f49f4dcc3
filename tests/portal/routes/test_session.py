"""Signing in and out."""

from pathlib import Path

import pytest

from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from libvirt_webrtc.portal.auth.failures import MAX_OF_PAIR
from libvirt_webrtc.portal.auth.methods import TOKEN_IN_FILE, TOKEN_PRINTED
from tests.portal.fakes import TOKEN, FakeAgent, Serve, Viewer, refusal


async def test_the_right_token_opens_a_session(signed_in: Viewer) -> None:
    async with signed_in.get("/api/domains") as response:
        assert response.status == 200
    async with signed_in.get("/") as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("token_file", "words"), [(None, TOKEN_PRINTED), (Path("/elsewhere/token"), TOKEN_IN_FILE)]
)
async def test_strangers_are_told_how_to_sign_in(serve: Serve, token_file: Path | None, words: str) -> None:
    """Where the token is, but not in which file."""
    async with (
        Viewer(await serve(Config(token_file=token_file))) as viewer,
        viewer.get("/api/sign-in") as response,
    ):
        assert response.status == 200
        assert await response.json() == {"methods": [{"method": "token", "text": words}]}


async def test_the_cookie_has_every_protection(viewer: Viewer) -> None:
    async with viewer.login() as response:
        assert response.status == 200
        name, *flags = response.headers["Set-Cookie"].split("; ")
        key = (await response.json())["key"]
    assert name.startswith(f"libvirt-webrtc-{viewer.server.port}=") and len(name) > 60
    assert key not in name and len(key) > 40
    assert set(flags) == {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"}


@pytest.mark.parametrize(
    ("host", "name"),
    [("localhost", "libvirt-webrtc"), ("127.0.0.1:81", "libvirt-webrtc-81"), ("[::1]:9", "libvirt-webrtc-9")],
)
async def test_each_port_has_a_cookie_of_its_own(viewer: Viewer, host: str, name: str) -> None:
    """Tunnels bring several portals to one browser, and a cookie goes to all ports of its host."""
    headers = {"Host": host, "Origin": f"http://{host}"}
    async with viewer.request("POST", "/api/session", headers, json={"token": TOKEN}) as response:
        assert response.status == 200
        cookie = response.headers["Set-Cookie"].partition(";")[0]
        signed_in = {"Host": host, "Cookie": cookie, KEY_HEADER: (await response.json())["key"]}
    assert cookie.startswith(f"{name}=")
    async with viewer.get("/api/domains", headers=signed_in) as response:
        assert response.status == 200


async def test_a_wrong_token_is_refused(viewer: Viewer) -> None:
    async with viewer.login("wrong") as response:
        assert await refusal(response) == (401, "wrong_token")
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"token"', b'{"token": 1}', b"{}", b"\xff", b"[" * 60000]
)
async def test_a_malformed_login_is_refused_and_counts_as_no_guess(viewer: Viewer, body: bytes) -> None:
    for _ in range(MAX_OF_PAIR + 1):
        async with viewer.request("POST", "/api/session", data=body) as response:
            assert await refusal(response) == (400, "bad_request")


@pytest.mark.parametrize("token", ["\udfff", "ü", "", "x" * 60000])
async def test_strange_tokens_are_merely_wrong(viewer: Viewer, token: str) -> None:
    async with viewer.login(token) as response:
        assert await refusal(response) == (401, "wrong_token")


async def test_a_script_signs_in_without_an_origin(viewer: Viewer) -> None:
    async with viewer.request("POST", "/api/session", json={"token": TOKEN}) as response:
        assert response.status == 200


async def test_a_foreign_page_can_neither_sign_in_nor_slow_others_down(viewer: Viewer) -> None:
    for _ in range(MAX_OF_PAIR + 1):
        evil = {"Origin": "https://evil.example"}
        async with viewer.request("POST", "/api/session", evil, json={"token": "guess"}) as response:
            assert await refusal(response) == (403, "wrong_origin")
    async with viewer.login("wrong") as response:
        assert response.status == 401


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
            assert response.cookies[signed_in.cookie_name].value == ""
            assert response.cookies[signed_in.cookie_name]["max-age"] == "0"
        assert await stream.content.read() == b""
    assert list(agent.viewers) == ["viewer2"]  # the script's stays
    async with signed_in.get("/api/domains") as response:
        assert response.status == 401


async def test_a_token_has_no_session_to_end(script: Viewer) -> None:
    async with script.request("DELETE", "/api/session") as response:
        assert await refusal(response) == (400, "no_session")
