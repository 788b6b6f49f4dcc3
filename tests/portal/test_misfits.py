"""What is said of headers that do not fit the portal's address."""

from collections.abc import Mapping

import pytest
from aiohttp import ClientResponse

from tests.portal.fakes import TOKEN, Serve, Served, Viewer
from tests.portal.proxied import BROWSER, PUBLIC, behind_proxy


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
    server = await serve(behind_proxy(PUBLIC, "10.0.0.2"))
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


async def test_another_folder_is_told_where_there_is_nothing(proxied: Viewer) -> None:
    async with proxied.get("/vm/login") as response:
        assert response.status == 404
        assert "The portal's folder is /console/" in (await response.json())["message"]
