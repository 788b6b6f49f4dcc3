"""What the portal does otherwise over HTTPS: cookie, origin, headers, names."""

import ssl
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, DummyCookieJar

from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from tests.portal.fakes import TOKEN, Served, refusal

ANYBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ANYBODY.check_hostname, ANYBODY.verify_mode = False, ssl.CERT_NONE


async def ask(served: Served, method: str, path: str, **options: Any) -> ClientResponse:
    """The answer; its body is read."""
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        async with session.request(method, served.make_url(path), ssl=ANYBODY, **options) as response:
            await response.read()
            return response


async def test_the_cookie_is_for_this_host_and_https_only(secure: Served) -> None:
    origin = f"https://127.0.0.1:{secure.port}"
    body = {"token": TOKEN}
    response = await ask(secure, "POST", "/api/session", json=body, headers={"Origin": origin})
    assert response.status == 200
    said = response.headers["Set-Cookie"]
    name = f"__Host-libvirt-webrtc-{secure.port}"
    assert said.startswith(f"{name}=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(said.split("; ")[1:])
    assert "Domain" not in said
    cookie, key = response.cookies[name].value, (await response.json())["key"]
    headers = {"Cookie": f"{name}={cookie}", KEY_HEADER: key}
    assert (await ask(secure, "GET", "/api/domains", headers=headers)).status == 200
    # What plain HTTP on another port could have set has another name.
    headers["Cookie"] = headers["Cookie"].removeprefix("__Host-")
    assert (await ask(secure, "GET", "/api/domains", headers=headers)).status == 401


@pytest.mark.parametrize("origin", ["http://127.0.0.1:{port}", "https://127.0.0.1", "https://evil.example"])
async def test_a_page_that_is_not_ours_over_https_is_refused(secure: Served, origin: str) -> None:
    headers = {"Origin": origin.format(port=secure.port)}
    response = await ask(secure, "POST", "/api/session", json={"token": TOKEN}, headers=headers)
    assert await refusal(response) == (403, "wrong_origin")


@pytest.mark.parametrize(
    ("host", "status", "strict"),
    [
        ("portal.example.org:{port}", 200, True),
        ("PORTAL.example.org", 200, True),
        ("a.wild.example.org", 200, True),
        ("a.b.wild.example.org", 403, True),
        ("wild.example.org", 403, True),
        ("localhost:{port}", 200, False),
        ("127.0.0.1:{port}", 200, False),
        ("192.0.2.1", 403, False),
        ("evil.example", 403, True),
        ("", 403, False),
    ],
)
async def test_names_of_the_certificate_are_ours_and_named_hosts_stay_with_https(
    secure: Served, host: str, status: int, strict: bool
) -> None:
    response = await ask(secure, "GET", "/login", headers={"Host": host.format(port=secure.port)})
    assert response.status == status
    assert response.headers.get("Strict-Transport-Security") == ("max-age=31536000" if strict else None)
