"""Signing in by the word of a reverse proxy: only of one that the settings name."""

import asyncio
import json
from base64 import b64encode
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.access_rules import AccessRule
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.networks import networks_from
from libvirt_webrtc.config.portal import PortalConfig, PublicUrl
from libvirt_webrtc.config.proxy_sign_in import ProxySignInConfig
from libvirt_webrtc.config.sign_in import SignInConfig, SignInMethod
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from libvirt_webrtc.portal.auth.session_store import SessionStore
from tests.portal.fakes import TOKEN, Serve, Served, Viewer, refusal
from tests.support.nginx import FOLDER, HOST, Ports, asking, nginx

PROXY = ProxySignInConfig((ip_network("127.0.0.1"),), groups_header="X-Remote-Groups")
ELSEWHERE = replace(PROXY, sources=(ip_network("10.0.0.2"),))
WHO = {"X-Remote-User": "alice", "X-Remote-Groups": "staff, ops"}


def settings(proxy: ProxySignInConfig, *methods: SignInMethod) -> Config:
    rule = AccessRule(Role.VIEW, users=("alice",), domains=("*",))
    return Config(sign_in=SignInConfig(methods or ("token", "proxy"), proxy=proxy), access=(rule,))


@pytest.fixture
async def server(serve: Serve) -> Served:
    return await serve(settings(PROXY))


async def sign_in(viewer: Viewer) -> None:
    """As a browser whose requests all come through the proxy."""
    async with viewer.request("POST", "/api/session/proxy", {**WHO, "Origin": viewer.origin}) as response:
        assert response.status == 200
        cookie = response.cookies[viewer.cookie_name].value
        key = (await response.json())["key"]
    assert cookie and len(key) > 40
    secrets = {"Cookie": f"{viewer.cookie_name}={cookie}", KEY_HEADER: key}
    viewer.headers = {**secrets, **WHO, "Origin": viewer.origin}


async def test_who_the_proxy_names_has_a_session(viewer: Viewer) -> None:
    await sign_in(viewer)
    async with viewer.get("/api/domains") as response:
        assert response.status == 200
    async with viewer.request("DELETE", "/api/session") as response:
        assert response.status == 204


@pytest.mark.parametrize("now", ["bob", None])
async def test_the_session_ends_when_the_proxy_names_another_or_nobody(
    viewer: Viewer, now: str | None
) -> None:
    await sign_in(viewer)
    async with viewer.get("/api/domains", headers={"X-Remote-User": now}) as response:
        assert await refusal(response) == (401, "not_signed_in")
    async with viewer.get("/api/domains") as response:
        assert response.status == 401


async def test_beside_the_proxy_a_session_is_like_any_other(viewer: Viewer) -> None:
    await sign_in(viewer)
    beside = TCPConnector(local_addr=("127.0.0.2", 0))
    async with ClientSession(connector=beside, cookie_jar=DummyCookieJar()) as session:
        url = viewer.server.make_url("/api/domains")
        async with session.get(url, headers={**viewer.headers, "X-Remote-User": "bob"}) as response:
            assert response.status == 200
        url = viewer.server.make_url("/api/session/proxy")
        async with session.post(url, headers=WHO) as response:
            assert await refusal(response) == (403, "sign_in_refused")


async def test_the_header_alone_opens_nothing(viewer: Viewer) -> None:
    """Neither for a program behind the proxy, nor across sites: session, key and Origin are needed all the same."""
    async with viewer.get("/api/domains", headers=WHO) as response:
        assert await refusal(response) == (401, "not_signed_in")
    evil = {**WHO, "Origin": "https://evil.example"}
    async with viewer.request("POST", "/api/session/proxy", evil) as response:
        assert await refusal(response) == (403, "wrong_origin")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Forwarded-For": "10.0.0.2"},
        {"X-Real-IP": "10.0.0.2", "Forwarded": "for=10.0.0.2"},
    ],
    ids=str,
)
async def test_from_elsewhere_it_is_refused(serve: Serve, headers: dict[str, str]) -> None:
    async with Viewer(await serve(settings(ELSEWHERE))) as viewer:
        async with viewer.request("POST", "/api/session/proxy", {**WHO, **headers}) as response:
            assert await refusal(response) == (403, "sign_in_refused")
            assert "Set-Cookie" not in response.headers


async def test_its_sessions_end_where_it_is_switched_off(serve: Serve, tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "sessions.json", TOKEN)
    statuses: list[int] = []
    for config in (settings(PROXY), settings(PROXY), settings(PROXY, "token"), settings(PROXY)):
        server = await serve(config, store=store)
        async with Viewer(server) as viewer:
            if not statuses:
                await sign_in(viewer)
                secrets = {KEY_HEADER: viewer.headers[KEY_HEADER]}
                cookie = viewer.headers["Cookie"].partition("=")[2]
            viewer.headers = {**secrets, **WHO, "Cookie": f"{viewer.cookie_name}={cookie}"}
            async with viewer.get("/api/domains") as response:
                statuses.append(response.status)
        await server.close()
    assert statuses == [200, 200, 401, 401]


async def test_it_is_off_by_default(serve: Serve) -> None:
    for config in (Config(), settings(PROXY, "token")):
        async with Viewer(await serve(config)) as viewer:
            async with viewer.request("POST", "/api/session/proxy", WHO) as response:
                assert await refusal(response) == (404, "method_off")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Remote-User": ""},
        {"X-Remote-User": "al\tice"},
        {"X-Remote-User": "x" * 257},
        {"X-Remote-User": "bob"},  # to whom nothing is granted
        {"X-Remote-User": "alice", "X-Remote-Groups": "g" * 257},
        {"X-Remote-User": "alice", "X-Remote-Groups": ",".join(map(str, range(1025)))},
    ],
)
async def test_who_is_not_known_or_no_name_is_refused(viewer: Viewer, headers: dict[str, str]) -> None:
    async with viewer.request("POST", "/api/session/proxy", headers) as response:
        assert await refusal(response) == (403, "sign_in_refused")


@pytest.mark.parametrize(
    "headers",
    [
        ("X-Remote-User: root", "X-Remote-User: alice"),
        ("X-Remote-User: alice", "X-Remote-Groups: admins", "X-Remote-Groups: staff"),
        ("X-Remote-User: alice", "X-Remote-Groups: admins", "X-Remote-Groups:"),
    ],
    ids=str,
)
async def test_a_name_or_groups_that_come_twice_are_refused(viewer: Viewer, headers: tuple[str, ...]) -> None:
    """The proxy adds its own header, and does not take away its client's."""
    sent = "".join(f"{header}\r\n" for header in headers)
    head = (
        f"POST /api/session/proxy HTTP/1.1\r\nHost: 127.0.0.1:{viewer.server.port}\r\nContent-Length: 0\r\n"
        f"{sent}Connection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", viewer.server.port)
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 403 ") and b"once" in answer


async def test_behind_nginx_as_documented_nobody_chooses_their_own_groups(
    serve: Serve, tmp_path: Path
) -> None:
    """nginx says nothing of groups there: what a client says of its own does not get through."""
    ports = Ports.free()
    public = PortalConfig(PublicUrl.parse(ports.url, "here"), networks_from(["127.0.0.1"], "here"))
    staff = AccessRule(Role.ADMIN, groups=("staff",), domains=("*",))
    config = replace(settings(PROXY), portal=public)
    server = await serve(replace(config, access=(*config.access, staff)))
    with nginx(tmp_path, ports, f"127.0.0.1:{server.port}", asking(tmp_path, "alice", "mallory")):
        async with ClientSession(cookie_jar=DummyCookieJar()) as session:
            statuses = []
            for user in ("alice", "mallory"):
                headers = {"Host": f"{HOST}:{ports.tls}", "X-Remote-Groups": "staff"}
                headers["Authorization"] = f"Basic {b64encode(f'{user}:{user}'.encode()).decode()}"
                url = f"https://127.0.0.1:{ports.tls}{FOLDER}api/session/proxy"
                async with session.post(url, headers=headers, ssl=False) as response:
                    statuses.append(response.status)
                    text = await response.text()
    assert statuses == [200, 403] and "mallory here, to whom nothing is granted" in text


async def test_sign_ins_and_refusals_are_in_the_audit_log(
    viewer: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "libvirt_webrtc.audit")
    for headers in ({}, WHO):
        async with viewer.request("POST", "/api/session/proxy", headers):
            pass
    refused, signed_in = [
        json.loads(record.message) for record in caplog.records if record.name == "libvirt_webrtc.audit"
    ]
    assert (refused["outcome"], refused["method"]) == ("refused", "proxy")
    assert (signed_in["outcome"], signed_in["user"]) == ("ok", "alice")
