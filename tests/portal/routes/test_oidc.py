"""Signing in by an OpenID provider, over HTTP as browsers do it; they themselves are in tests/e2e/test_oidc.py."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.access_rules import AccessRule
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.networks import networks_from
from libvirt_webrtc.config.portal import PortalConfig, PublicUrl
from libvirt_webrtc.config.sign_in import SignInConfig
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from libvirt_webrtc.portal.oidc.pending import PENDING_S
from libvirt_webrtc.portal.routes import oidc as module
from tests.portal.fakes import FakeClock, Serve, Served, Viewer, refusal
from tests.portal.oidc.forger import CODE, Forger, unsigned

OPS = AccessRule(Role.CONTROL, groups=("ops",), domains=("*",))


@pytest.fixture
async def forger() -> AsyncIterator[Forger]:
    async with Forger() as forger:
        yield forger


@pytest.fixture
async def server(serve: Serve, forger: Forger) -> Served:
    return await serve(Config(sign_in=SignInConfig(("oidc",), oidc=forger.config), access=(OPS,)))


async def begin(viewer: Viewer, forger: Forger, query: str = "") -> dict[str, str]:
    """Go to the provider, which then knows its nonce; what a browser comes back with."""
    async with viewer.get(f"/login/oidc{query}") as response:
        assert response.status == 303
        url = urlsplit(response.headers["Location"])
        assert url.path == "/authorize"
        name = f"{viewer.cookie_name}-oidc"
        viewer.headers = {"Cookie": f"{name}={response.cookies[name].value}", "Origin": viewer.origin}
    asked = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert asked["redirect_uri"] == f"{viewer.origin}/login/oidc/callback"
    forger.nonce = asked["nonce"]
    return {"code": CODE, "state": asked["state"]}


async def come_back(viewer: Viewer, came: object) -> tuple[int, Any]:
    async with viewer.request("POST", "/api/session/oidc", json=came) as response:
        if response.status == 200:
            key = (await response.json())["key"]
            cookie = response.cookies[viewer.cookie_name].value
            viewer.headers = {
                "Cookie": f"{viewer.cookie_name}={cookie}",
                KEY_HEADER: key,
                "Origin": viewer.origin,
            }
            assert response.cookies[f"{viewer.cookie_name}-oidc"]["max-age"] == "0"
            return 200, await response.json()
        assert "Set-Cookie" not in response.headers
        return await refusal(response)


async def test_who_comes_back_has_a_session(viewer: Viewer, forger: Forger) -> None:
    came = await begin(viewer, forger, "?next=%2Fconsole%2F1")
    status, answer = await come_back(viewer, came)
    assert (status, answer["next"]) == (200, "/console/1")
    async with viewer.get("/api/domains") as response:
        assert response.status == 200


async def test_whom_nobody_has_granted_anything_is_not_let_in(viewer: Viewer, forger: Forger) -> None:
    """Whoever can make an account at the provider could end everybody's sessions: there is room for so many only."""
    came = await begin(viewer, forger)
    forger.changes = {"groups": ["staff"]}
    async with viewer.request("POST", "/api/session/oidc", json=came) as response:
        assert response.status == 403
        assert "you are alice here" in (await response.json())["message"]


async def test_the_pending_sign_ins_cookie_has_every_protection(viewer: Viewer) -> None:
    async with viewer.get("/login/oidc") as response:
        _, *flags = response.headers["Set-Cookie"].split("; ")
    assert set(flags) == {"HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={PENDING_S}"}


async def test_the_page_for_who_comes_back_needs_no_session(viewer: Viewer) -> None:
    async with viewer.get("/login/oidc/callback?code=1&state=2") as response:
        assert (response.status, await response.text()) == (200, "<title>signing in</title>")


@pytest.mark.parametrize("query", ["?next=%ff%ed%a0%80", "?next=%00", "?next=" + "x" * 7000, "?next&next=1"])
async def test_a_strange_way_on_keeps_nobody_out(viewer: Viewer, forger: Forger, query: str) -> None:
    assert (await come_back(viewer, await begin(viewer, forger, query)))[0] == 200


async def test_an_answer_counts_once(viewer: Viewer, forger: Forger) -> None:
    came = await begin(viewer, forger)
    pending = viewer.headers
    assert (await come_back(viewer, came))[0] == 200
    viewer.headers = pending
    assert await come_back(viewer, came) == (403, "sign_in_refused")
    assert len(forger.forms) == 1  # the code was not sent twice


async def test_a_wrong_state_never_reaches_the_provider(viewer: Viewer, forger: Forger) -> None:
    came = await begin(viewer, forger)
    for wrong in ({**came, "state": "wrong"}, {"code": CODE}, {}):
        assert await come_back(viewer, wrong) == (403, "sign_in_refused")
    viewer.headers = {"Origin": viewer.origin}
    assert await come_back(viewer, came) == (403, "sign_in_refused")  # another browser
    assert forger.forms == []


async def test_a_sign_in_that_took_too_long_is_over(viewer: Viewer, forger: Forger, clock: FakeClock) -> None:
    came = await begin(viewer, forger)
    clock.now += PENDING_S + 2
    assert await come_back(viewer, came) == (403, "sign_in_refused")


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "of another sign-in"},
        {"aud": "another-client"},
        {"iss": "https://evil.example"},
        {"exp": 1000},
    ],
    ids=str,
)
async def test_a_wrong_id_token_is_refused(viewer: Viewer, forger: Forger, wrong: dict[str, object]) -> None:
    came = await begin(viewer, forger)
    forger.changes = wrong
    assert await come_back(viewer, came) == (403, "sign_in_refused")


async def test_an_id_token_without_a_signature_is_refused(viewer: Viewer, forger: Forger) -> None:
    came = await begin(viewer, forger)
    forger.forge = unsigned
    assert await come_back(viewer, came) == (403, "sign_in_refused")


async def test_a_replayed_code_is_refused(viewer: Viewer, forger: Forger) -> None:
    came = await begin(viewer, forger)
    forger.token_answer = web.json_response({"error": "invalid_grant"}, status=400)
    assert await come_back(viewer, came) == (403, "sign_in_refused")


async def test_a_provider_that_fails_is_told_from_a_refusal(viewer: Viewer, forger: Forger) -> None:
    came = await begin(viewer, forger)
    forger.token_answer = web.Response(status=500)
    assert await come_back(viewer, came) == (502, "provider_unavailable")


async def test_a_provider_that_is_away_leads_to_a_page_that_says_so(viewer: Viewer, forger: Forger) -> None:
    await forger.close()
    async with viewer.get("/login/oidc") as response:
        assert response.status == 303
        location = response.headers["Location"]
    assert location == "oidc/callback?error=temporarily_unavailable"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("access_denied", "access was denied"),
        ("temporarily_unavailable", "cannot be reached at present"),
        ("login_required", "login_required"),
        ("Call this number: <b>", "without a reason that could be shown"),
    ],
)
async def test_what_the_provider_refuses_is_told_in_our_words(viewer: Viewer, error: str, said: str) -> None:
    """Anybody can make an address with an error in it, and send it to somebody."""
    async with viewer.request("POST", "/api/session/oidc", json={"error": error}) as response:
        assert response.status == 403
        assert said in (await response.json())["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'"code"', b'{"code": 1}', b'{"state": null}', b"\xff", b"[" * 60000]
    + [b'{"code": "\\udfff"}', '{"state": "ü"}'.encode(), b'{"iss": "\\n"}'],
)
async def test_a_malformed_answer_is_refused(viewer: Viewer, body: bytes) -> None:
    async with viewer.request("POST", "/api/session/oidc", data=body) as response:
        assert await refusal(response) == (400, "bad_request")


async def test_a_foreign_page_cannot_end_somebodys_sign_in(viewer: Viewer, forger: Forger) -> None:
    came = await begin(viewer, forger)
    viewer.headers["Origin"] = "https://evil.example"
    assert await come_back(viewer, came) == (403, "wrong_origin")


async def test_one_client_cannot_have_everybody_wait(
    viewer: Viewer, forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ASKING_PER_CLIENT", 0)
    came = await begin(viewer, forger)
    assert await come_back(viewer, came) == (503, "busy")
    assert forger.forms == []


async def test_signing_out_leads_on_to_the_provider(viewer: Viewer, forger: Forger) -> None:
    await come_back(viewer, await begin(viewer, forger))
    async with viewer.request("DELETE", "/api/session") as response:
        assert response.status == 200
        url = urlsplit((await response.json())["location"])
    assert url.path == "/end"
    asked = parse_qs(url.query)
    assert asked["post_logout_redirect_uri"] == [f"{viewer.origin}/login"]
    (hint,) = asked["id_token_hint"]
    assert hint.count(".") == 2
    async with viewer.get("/api/domains") as response:
        assert response.status == 401


async def test_behind_a_proxy_the_provider_sends_browsers_to_the_public_address(
    serve: Serve, forger: Forger
) -> None:
    public = PortalConfig(
        PublicUrl.parse("https://vm.example.org/console/", "here"), networks_from(["127.0.0.1"], "here")
    )
    sign_in = SignInConfig(("oidc",), oidc=forger.config)
    async with Viewer(await serve(Config(sign_in=sign_in, access=(OPS,), portal=public))) as viewer:
        proxied = {"Host": "vm.example.org", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        async with viewer.get("/console/login/oidc", headers=proxied) as response:
            asked = parse_qs(urlsplit(response.headers["Location"]).query)
            cookie, *flags = response.headers["Set-Cookie"].split("; ")
    assert asked["redirect_uri"] == ["https://vm.example.org/console/login/oidc/callback"]
    assert cookie.startswith("__Secure-libvirt-webrtc-oidc=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/console/"} <= set(flags)


async def test_where_it_is_not_set_up_there_is_nothing(serve: Serve, forger: Forger) -> None:
    """Its settings alone are not enough: methods has to name it."""
    config = Config(sign_in=SignInConfig(("token",), oidc=forger.config))
    async with Viewer(await serve(config)) as viewer:
        async with viewer.get("/login/oidc") as response:
            assert await refusal(response) == (404, "method_off")
        assert await come_back(viewer, {"code": CODE, "state": "x"}) == (404, "method_off")
    assert forger.asked == []


async def test_a_secret_that_others_can_read_ends_the_start(
    serve: Serve, forger: Forger, tmp_path: Any
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    secret.chmod(0o644)
    config = replace(forger.config, client_secret_file=secret)
    with pytest.raises(ConfigError, match="chmod 600"):
        await serve(Config(sign_in=SignInConfig(("oidc",), oidc=config)))


async def test_the_login_page_is_told_of_it(viewer: Viewer) -> None:
    async with viewer.get("/api/sign-in") as response:
        (method,) = (await response.json())["methods"]
    assert method == {"method": "oidc", "text": "Sign in with single sign-on", "href": "login/oidc"}


async def test_sign_ins_and_refusals_are_in_the_audit_log(
    viewer: Viewer, forger: Forger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "libvirt_webrtc.audit")
    came = await begin(viewer, forger)
    await come_back(viewer, {**came, "state": "wrong"})
    await come_back(viewer, came)
    told = [json.loads(record.message) for record in caplog.records if record.name == "libvirt_webrtc.audit"]
    refused, signed_in = told
    assert (refused["event"], refused["outcome"], refused["method"]) == ("sign-in", "refused", "oidc")
    assert (signed_in["outcome"], signed_in["user"], signed_in["method"]) == ("ok", "alice", "oidc")
    for line in told:
        assert not {CODE, came["state"]} & set(map(str, line.values()))


async def test_many_sign_ins_at_once_are_all_served(server: Served, forger: Forger) -> None:
    async def one() -> int:
        async with Viewer(server) as viewer:
            async with viewer.get("/login/oidc") as response:
                return response.status

    assert await asyncio.gather(*(one() for _ in range(20))) == [303] * 20
    assert forger.asked == ["/.well-known/openid-configuration"]
