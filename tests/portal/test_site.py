"""The portal behind a reverse proxy: what of its headers counts, and what is said of those that do not fit."""

import logging
from collections.abc import AsyncIterator, Mapping

import pytest
from aiohttp import ClientResponse

from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.networks import networks_from
from libvirt_webrtc.config.portal import PortalConfig, PublicUrl
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from libvirt_webrtc.portal.auth.failures import MAX_OF_PAIR
from tests.portal.fakes import OFFER, TOKEN, UUID, WHEP, Serve, Served, Viewer, refusal

PUBLIC = "https://vm.example.org/console/"
PROXY = {
    "Host": "vm.example.org",
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Proto": "https",
}
"""What a proxy sends that is set up well."""
BROWSER = {"Accept": "text/html,*/*", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}


def config(url: str = PUBLIC, *proxies: str) -> Config:
    trusted = networks_from(list(proxies or ("127.0.0.1",)), "here")
    return Config(portal=PortalConfig(PublicUrl.parse(url, "here"), trusted))


@pytest.fixture
async def behind(serve: Serve) -> Served:
    return await serve(config())


@pytest.fixture
async def proxied(behind: Served) -> AsyncIterator[Viewer]:
    """Somebody whose requests come through a proxy."""
    async with Viewer(behind) as viewer:
        viewer.headers = dict(PROXY)
        yield viewer


async def sign_in(viewer: Viewer, path: str = "/api/session", origin: str = "https://vm.example.org") -> str:
    """Sign in through the proxy; the Set-Cookie header."""
    async with viewer.request("POST", path, {"Origin": origin}, json={"token": TOKEN}) as response:
        assert response.status == 200, await response.text()
        cookie = response.headers["Set-Cookie"]
        key = (await response.json())["key"]
    viewer.headers |= {"Cookie": cookie.partition(";")[0], KEY_HEADER: key, "Origin": origin}
    return cookie


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
    async with Viewer(await serve(config(url))) as viewer:
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


async def misfit(response: ClientResponse) -> str:
    assert response.status == 403
    body = await response.json()
    assert body["error"].startswith("wrong_")
    return str(body["message"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"Host": "127.0.0.1:8080"},
            "Host arrived as '127.0.0.1:8080', and should be vm.example.org. "
            "In nginx: proxy_set_header Host $http_host;",
        ),
        ({"Host": "other.example"}, "Host arrived as 'other.example'"),
        (
            {"X-Forwarded-Proto": None},
            "X-Forwarded-Proto is missing, and should be https. "
            "In nginx: proxy_set_header X-Forwarded-Proto $scheme;",
        ),
        (
            {"X-Forwarded-Proto": "http"},
            "X-Forwarded-Proto arrived as 'http', and should be https. In nginx: return 308",
        ),
        ({"X-Forwarded-Proto": "https, http"}, "X-Forwarded-Proto arrived as 'http'"),
        ({"X-Forwarded-For": None}, "X-Forwarded-For is missing"),
        ({"X-Forwarded-For": "unknown"}, "X-Forwarded-For arrived as 'unknown'"),
        ({"X-Forwarded-For": None, "X-Forwarded-Proto": None}, "X-Forwarded-Proto is missing"),
    ],
)
async def test_a_header_that_does_not_fit_is_named_with_what_to_write(
    proxied: Viewer, changes: Mapping[str, str | None], told: str
) -> None:
    async with proxied.request("GET", "/login", changes) as response:
        assert told in await misfit(response)
    async with proxied.request("GET", "/login", {**BROWSER, **changes}) as response:
        assert (response.status, response.content_type) == (403, "text/html")
        page = await response.text()
        assert "<dt>Header</dt>" in page and "In nginx, write" in page
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"Origin": "http://127.0.0.1:8080"},
            "Origin arrived as 'http://127.0.0.1:8080', and should be https://vm.example.org.",
        ),
        ({"Origin": "https://vm.example.org:8443"}, "Origin arrived as 'https://vm.example.org:8443'"),
        ({"Origin": "null"}, "Origin arrived as 'null'"),
        ({"Sec-Fetch-Site": "same-origin"}, "Origin is missing"),
        (
            {"Origin": "https://vm.example.org", "Referer": "https://vm.example.org/vm/login?next="},
            "Referer arrived as 'https://vm.example.org/vm/login?next=', and should be below "
            "https://vm.example.org/console/. In nginx: location /console/ {",
        ),
        (
            {"Origin": "https://vm.example.org", "Referer": "https://vm.example.org/console/vm/login"},
            "Referer arrived as",
        ),
    ],
)
async def test_a_sign_in_by_a_wrong_way_is_told_which_header_it_is(
    proxied: Viewer, changes: Mapping[str, str | None], told: str
) -> None:
    async with proxied.request("POST", "/api/session", changes, json={"token": TOKEN}) as response:
        assert told in await misfit(response)
        assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "page",
    ["https://vm.example.org/console/login?next=x", "https://vm.example.org/console/login/oidc/callback"],
)
async def test_the_portals_own_pages_sign_in(proxied: Viewer, page: str) -> None:
    headers = {"Origin": "https://vm.example.org", "Referer": page, "Sec-Fetch-Site": "same-origin"}
    async with proxied.request("POST", "/api/session", headers, json={"token": TOKEN}) as response:
        assert response.status == 200


async def test_a_proxy_that_passes_on_nothing_is_found_at_the_sign_in(behind: Served) -> None:
    """nginx with no more than proxy_pass: its requests look like those of a browser here."""
    async with Viewer(behind) as viewer:
        origin = {"Origin": "https://vm.example.org"}
        async with viewer.request("POST", "/api/session", origin, json={"token": TOKEN}) as response:
            told = await misfit(response)
    assert f"Host arrived as '127.0.0.1:{behind.port}', and should be vm.example.org." in told
    assert "proxy_set_header Host $http_host;" in told


@pytest.mark.parametrize("forwarded", [{}, {"X-Forwarded-For": "192.0.2.7"}])
async def test_a_stranger_is_not_told_the_public_address(serve: Serve, forwarded: Mapping[str, str]) -> None:
    server = await serve(config(PUBLIC, "10.0.0.2"))
    async with (
        Viewer(server) as viewer,
        viewer.get("/", headers={"Host": "other.example", **forwarded}) as response,
    ):
        assert "vm.example.org" not in await misfit(response)


async def test_what_somebody_sent_is_shown_short_and_as_text(proxied: Viewer) -> None:
    evil = "<script>alert(1)</script>" + "x" * 500
    async with proxied.get("/", headers=BROWSER | {"Host": evil}) as response:
        page = await response.text()
    assert "<script>" not in page and "&lt;script&gt;" in page and "x" * 200 not in page


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
    async with Viewer(await serve(config(PUBLIC, "10.0.0.2"))) as viewer:
        viewer.headers = dict(PROXY)
        statuses = [await guess(viewer, f"198.51.100.{number}") for number in range(MAX_OF_PAIR + 1)]
    assert statuses == [401] * MAX_OF_PAIR + [429]
    assert "is not in [portal] trusted_proxies" in caplog.text


async def test_another_folder_is_told_where_there_is_nothing(proxied: Viewer) -> None:
    async with proxied.get("/vm/login") as response:
        assert response.status == 404
        assert "The portal's folder is /console/" in (await response.json())["message"]


async def test_an_offer_needs_the_public_origin(proxied: Viewer) -> None:
    await sign_in(proxied)
    headers = {"Origin": "https://evil.example", "Content-Type": "application/sdp"}
    async with proxied.request("POST", WHEP, headers, data=OFFER) as response:
        assert await refusal(response) == (403, "wrong_origin")


async def test_an_event_stream_asks_proxies_not_to_hold_it_back(proxied: Viewer) -> None:
    await sign_in(proxied)
    async with proxied.get("/api/events") as response:
        assert response.headers["X-Accel-Buffering"] == "no"
