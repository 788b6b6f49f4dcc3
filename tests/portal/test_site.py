"""The portal behind a reverse proxy: what of its headers counts."""

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest

from libvirt_webrtc.config.portal import PublicUrl
from libvirt_webrtc.portal.auth.failures import MAX_OF_PAIR
from libvirt_webrtc.portal.connections import ConnectionLimits
from tests.portal.fakes import (
    OFFER,
    UUID,
    WHEP,
    FakeAgent,
    Serve,
    Served,
    Viewer,
    listing,
    refusal,
)
from tests.portal.proxied import PROXY, PUBLIC, behind_proxy, sign_in


@pytest.mark.parametrize("folder", ["", "/console"])
async def test_all_works_whether_or_not_the_proxy_takes_the_folder_away(proxied: Viewer, folder: str) -> None:
    await sign_in(proxied, f"{folder}/api/session")
    for path in ("/", f"/console/{UUID}", "/static/core/session.js", "/api/domains", "/healthz", "/login"):
        async with proxied.get(folder + path) as response:
            assert response.status == 200, path
    async with proxied.offer(folder + WHEP) as response:
        assert response.status == 201
        location = response.headers["Location"]
    assert location == f"/console{WHEP}/viewer1"
    async with proxied.request(
        "DELETE", location.removeprefix("/console") if not folder else location
    ) as response:
        assert response.status == 200
    async with proxied.request("PUT", f"{folder}/api/session") as response:
        assert await refusal(response) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "path", ["/console/console/console/login", "/console//login", "/console", "/console/nowhere"]
)
async def test_the_folder_is_taken_away_once_and_opens_nothing_else(proxied: Viewer, path: str) -> None:
    async with proxied.get(path) as response:
        assert await refusal(response) == (404, "not_found")


@pytest.mark.parametrize("folder", ["", "/console"])
async def test_the_api_in_the_folder_needs_a_session_as_well(proxied: Viewer, folder: str) -> None:
    async with proxied.get(f"{folder}/api/domains") as response:
        assert await refusal(response) == (401, "not_signed_in")
    async with proxied.get(f"{folder}/console/{UUID}") as response:
        assert (response.status, response.headers["Location"].partition("?")[0]) == (303, "../login")


@pytest.mark.parametrize(
    ("url", "cookie"),
    [
        (PUBLIC, "__Secure-libvirt-webrtc=; HttpOnly; Path=/console/; SameSite=Strict; Secure"),
        ("https://vm.example.org/", "__Host-libvirt-webrtc=; HttpOnly; Path=/; SameSite=Strict; Secure"),
        (
            "https://vm.example.org:8443/",
            "__Host-libvirt-webrtc-8443=; HttpOnly; Path=/; SameSite=Strict; Secure",
        ),
        ("http://vm.example.org/vm/", "libvirt-webrtc=; HttpOnly; Path=/vm/; SameSite=Strict"),
    ],
)
async def test_the_cookie_is_as_strict_as_the_address_allows(serve: Serve, url: str, cookie: str) -> None:
    public = PublicUrl.parse(url, "here")
    async with Viewer(await serve(behind_proxy(url))) as viewer:
        viewer.headers = PROXY | {"X-Forwarded-Proto": public.scheme}
        sent = await sign_in(viewer, origin=public.origin)
        name, _, rest = sent.partition("=")
        kept = [part for part in rest.split("; ")[1:] if not part.startswith("Max-Age=")]
        assert "; ".join([f"{name}=", *sorted(kept)]) == cookie
        async with viewer.get("/api/domains") as response:
            assert response.status == 200


async def test_loopback_and_its_plain_cookie_stay_beside_the_public_address(behind: Served) -> None:
    """As through a tunnel: no proxy is in between, though its address is this machine's."""
    async with Viewer(behind) as viewer, viewer.login() as response:
        assert response.status == 200
        cookie = response.headers["Set-Cookie"]
    assert cookie.startswith(f"libvirt-webrtc-{behind.port}=")
    assert "Path=/;" in cookie and "Secure" not in cookie


async def test_who_came_is_the_client_and_not_the_proxy(
    proxied: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await sign_in(proxied)
    assert "signed in from 192.0.2.7" in caplog.text


async def guess(viewer: Viewer, client: str) -> int:
    headers = {"X-Forwarded-For": client, "Origin": "https://vm.example.org"}
    async with viewer.request("POST", "/api/session", headers, json={"token": "wrong"}) as response:
        return response.status


async def test_guesses_count_for_the_client_behind_the_proxy(
    proxied: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libvirt_webrtc.portal.auth.throttle.PAUSE_S", 0.0)
    # Writing addresses of others to the left of its own does not help it.
    statuses = [await guess(proxied, f"198.51.100.{number}, 192.0.2.7") for number in range(MAX_OF_PAIR + 1)]
    assert statuses == [401] * MAX_OF_PAIR + [429]
    assert await guess(proxied, "192.0.2.8") == 401
    await sign_in(proxied)


async def test_headers_of_a_proxy_that_nobody_named_count_for_nothing(
    serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libvirt_webrtc.portal.auth.throttle.PAUSE_S", 0.0)
    async with Viewer(await serve(behind_proxy(PUBLIC, "10.0.0.2"))) as viewer:
        viewer.headers = dict(PROXY)
        statuses = [await guess(viewer, f"198.51.100.{number}") for number in range(MAX_OF_PAIR + 1)]
    assert statuses == [401] * MAX_OF_PAIR + [429]
    assert "is not in [portal] trusted_proxies" in caplog.text


async def test_an_offer_needs_the_public_origin(proxied: Viewer) -> None:
    await sign_in(proxied)
    headers = {"Origin": "https://evil.example", "Content-Type": "application/sdp"}
    async with proxied.request("POST", WHEP, headers, data=OFFER) as response:
        assert await refusal(response) == (403, "wrong_origin")


async def test_an_event_stream_asks_proxies_not_to_hold_it_back(proxied: Viewer) -> None:
    await sign_in(proxied)
    async with proxied.get("/api/events") as response:
        assert response.headers["X-Accel-Buffering"] == "no"


async def test_strangers_behind_the_proxy_push_out_neither_who_is_signed_in_nor_each_other(
    serve: Serve, agent: FakeAgent
) -> None:
    """All connections come from the proxy, and count for those who send requests on them."""
    server = await serve(behind_proxy(), ConnectionLimits(strangers=8, session=3, programs=5, known=6))
    async with AsyncExitStack() as stack:
        person, other = Viewer(server), Viewer(server)
        for viewer, address in ((person, "192.0.2.7"), (other, "192.0.2.8")):
            await stack.enter_async_context(viewer)
            viewer.headers = PROXY | {"X-Forwarded-For": address}
        await sign_in(person)
        events = await stack.enter_async_context(person.get("/api/events"))
        await events.content.readuntil(b"\n\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        await ask(reader, writer, "192.0.2.8")
        for _ in range(30):
            one, flood = await asyncio.open_connection("127.0.0.1", server.port)
            stack.callback(flood.close)
            await ask(one, flood, "192.0.2.66")
        await ask(reader, writer, "192.0.2.8")
        writer.close()
        agent.lists.set(listing())
        assert b'"domains":[]' in await events.content.readuntil(b"\n\n")


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: str) -> None:
    """A request as a proxy sends it, on a connection that stays open."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in (PROXY | {"X-Forwarded-For": client}).items())
    writer.write(f"GET /healthz HTTP/1.1\r\n{headers}\r\n".encode())
    async with asyncio.timeout(10):
        assert b" 200 " in await reader.readline()
        await reader.readuntil(b"}")
