"""What is asked of a provider, and what of its answers is taken."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import RSAKey

from libvirt_webrtc.errors import ProviderUnavailable, SignInRefused
from libvirt_webrtc.portal.oidc import http
from libvirt_webrtc.portal.oidc import provider as module
from libvirt_webrtc.portal.oidc.kept import KEEP_S, RENEW_S
from libvirt_webrtc.portal.oidc.pending import PendingLogin, PendingLogins
from libvirt_webrtc.portal.oidc.provider import OidcIdentity, OidcProvider
from tests.portal.fakes import FakeClock
from tests.portal.oidc.forger import ANOTHER_KEY, CLIENT, CODE, RSA_KEY, Claims, Forger, sign

BACK = "http://localhost/login/oidc/callback"
DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
async def forger() -> AsyncIterator[Forger]:
    async with Forger() as forger:
        yield forger


@pytest.fixture
async def provider(forger: Forger, clock: FakeClock) -> AsyncIterator[OidcProvider]:
    provider = OidcProvider(forger.config, None, clock)
    yield provider
    await provider.close()


@pytest.fixture
def pending(forger: Forger) -> PendingLogin:
    pending, _ = PendingLogins().begin(BACK, "")
    forger.nonce = pending.nonce
    return pending


async def identify(
    provider: OidcProvider, pending: PendingLogin, issuer: str | None = None
) -> tuple[str, set[str]]:
    found: OidcIdentity = await provider.identify(pending, CODE, issuer)
    return found.name, set(found.groups)


async def test_a_browser_is_sent_with_everything_that_guards_its_return(
    provider: OidcProvider, pending: PendingLogin, forger: Forger
) -> None:
    url = await provider.authorization_url(pending)
    assert url.startswith(f"{forger.issuer}/authorize?")
    assert {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()} == {
        "tenant": "1",  # the endpoint's own
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "scope": "openid profile email",
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": create_s256_code_challenge(pending.verifier),
        "code_challenge_method": "S256",
    }


async def test_who_comes_back_is_known(provider: OidcProvider, pending: PendingLogin, forger: Forger) -> None:
    assert await identify(provider, pending) == ("alice", {"staff", "ops"})
    assert forger.forms == [
        {
            "grant_type": "authorization_code",
            "code": CODE,
            "redirect_uri": BACK,
            "code_verifier": pending.verifier,
            "client_id": CLIENT,
            "Authorization": "",
        }
    ]
    assert forger.asked == [DISCOVERY, "/token", "/keys"]
    await identify(provider, pending)
    assert forger.asked[3:] == ["/token"]


@pytest.mark.parametrize(
    ("methods", "in_header"),
    [(None, True), (["client_secret_post", "client_secret_basic"], True), (["client_secret_post"], False)],
)
async def test_a_secret_goes_as_the_provider_takes_it(
    forger: Forger, pending: PendingLogin, methods: list[str] | None, in_header: bool
) -> None:
    forger.metadata["token_endpoint_auth_methods_supported"] = methods
    provider = OidcProvider(forger.config, "s3cret", FakeClock())
    await identify(provider, pending)
    await provider.close()
    (form,) = forger.forms
    assert form["Authorization"].startswith("Basic ") == in_header
    assert (form.get("client_secret") == "s3cret") != in_header


async def test_what_the_id_token_lacks_comes_from_userinfo(
    provider: OidcProvider, pending: PendingLogin, forger: Forger
) -> None:
    forger.changes = {"groups": None, "preferred_username": None}
    forger.userinfo = {"sub": "4711", "preferred_username": "bob", "groups": ["ops"], "iss": "another"}
    assert await identify(provider, pending) == ("bob", {"ops"})
    forger.userinfo["sub"] = "4712"
    with pytest.raises(SignInRefused, match="somebody else"):
        await identify(provider, pending)


async def test_keys_rotate(
    provider: OidcProvider, pending: PendingLogin, forger: Forger, clock: FakeClock
) -> None:
    await identify(provider, pending)
    forger.forge = lambda claims: sign(claims, ANOTHER_KEY)
    with pytest.raises(SignInRefused):
        await identify(provider, pending)
    assert forger.asked.count("/keys") == 1  # looked for just now
    clock.now += RENEW_S
    forger.keys = [RSA_KEY, ANOTHER_KEY]
    assert (await identify(provider, pending))[0] == "alice"
    assert forger.asked.count("/keys") == 2
    forger.keys = [ANOTHER_KEY]
    forger.forge = sign
    assert (await identify(provider, pending))[0] == "alice"
    clock.now += KEEP_S
    with pytest.raises(SignInRefused):  # the withdrawn one is gone
        await identify(provider, pending)


async def test_a_key_of_the_same_name_may_be_another_one(
    provider: OidcProvider, pending: PendingLogin, forger: Forger, clock: FakeClock
) -> None:
    await identify(provider, pending)
    renewed = RSAKey.generate_key(2048, {"kid": "rsa"})
    forger.keys, forger.forge = [renewed], lambda claims: sign(claims, renewed)
    clock.now += RENEW_S
    assert (await identify(provider, pending))[0] == "alice"


@pytest.mark.parametrize(
    "changes",
    [{"nonce": "another"}, {"iss": "https://evil.example"}, {"aud": "another"}, {"exp": 1000}],
    ids=str,
)
async def test_a_wrong_id_token_lets_nobody_in(
    provider: OidcProvider, pending: PendingLogin, forger: Forger, changes: Claims
) -> None:
    forger.changes = changes
    with pytest.raises(SignInRefused):
        await identify(provider, pending)


async def test_another_providers_answer_is_not_taken_to_this_one(
    provider: OidcProvider, pending: PendingLogin, forger: Forger, clock: FakeClock
) -> None:
    """A mix-up: RFC 9207."""
    with pytest.raises(SignInRefused):
        await identify(provider, pending, "https://evil.example")
    assert (await identify(provider, pending, forger.issuer))[0] == "alice"
    forger.metadata["authorization_response_iss_parameter_supported"] = True
    clock.now += KEEP_S
    with pytest.raises(SignInRefused):
        await identify(provider, pending, None)
    assert forger.asked.count("/token") == 1


async def test_a_code_that_is_not_taken_is_the_users_to_try_again(
    provider: OidcProvider, pending: PendingLogin, forger: Forger
) -> None:
    forger.token_answer = web.json_response({"error": "invalid_grant"}, status=400)
    with pytest.raises(SignInRefused, match="sign in again"):
        await identify(provider, pending)


@pytest.mark.parametrize(
    "answer",
    [
        web.json_response({"error": "invalid_client"}, status=401),
        web.json_response({"access_token": "only"}),
        web.json_response({"access_token": 1, "id_token": 2}),
        web.json_response([]),
        web.Response(text="<html>"),
        web.Response(text="[" * 60000),
        web.Response(status=500),
        web.Response(status=307, headers={"Location": "http://127.0.0.1:9/"}),
        web.Response(body=b" " * (http.SIZE_LIMIT + 1)),
    ],
)
async def test_a_token_endpoint_that_fails_is_told_from_a_refusal(
    provider: OidcProvider, pending: PendingLogin, forger: Forger, answer: web.Response
) -> None:
    forger.token_answer = answer
    with pytest.raises(ProviderUnavailable):
        await identify(provider, pending)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"jwks_uri": 7},
        {"authorization_endpoint": "http://id.example.org/authorize"},
        {"token_endpoint": "ftp://127.0.0.1/"},
        {"token_endpoint": "http://[1/"},
    ],
    ids=str,
)
async def test_a_discovery_document_with_a_fault_is_said_to_have_it(
    provider: OidcProvider, pending: PendingLogin, forger: Forger, metadata: dict[str, Any]
) -> None:
    forger.metadata = metadata
    with pytest.raises(ProviderUnavailable, match=next(iter(metadata)).partition("_")[0]):
        await provider.authorization_url(pending)
    assert forger.asked == [DISCOVERY]


async def test_a_provider_that_is_away_is_not_asked_by_everybody(
    provider: OidcProvider, pending: PendingLogin, forger: Forger, clock: FakeClock
) -> None:
    forger.metadata = {"issuer": None}
    answers = await asyncio.gather(
        *(provider.authorization_url(pending) for _ in range(20)), return_exceptions=True
    )
    assert all(isinstance(answer, ProviderUnavailable) for answer in answers)
    assert forger.asked == [DISCOVERY]
    forger.metadata = {}
    clock.now += RENEW_S
    assert await provider.authorization_url(pending)
    await forger.close()
    assert await provider.authorization_url(pending)  # it is still known
    clock.now += KEEP_S
    with pytest.raises(ProviderUnavailable, match="cannot be reached"):
        await provider.authorization_url(pending)


async def test_a_provider_that_is_silent_is_given_up(
    pending: PendingLogin, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    monkeypatch.setattr(http, "ANSWER_S", 0.2)

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(swallow, "127.0.0.1", 0)
    async with silent:
        issuer = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        provider = OidcProvider(replace(Forger().config, issuer=issuer), None, clock)
        with pytest.raises(ProviderUnavailable, match="does not answer within"):
            await provider.authorization_url(pending)
        await provider.close()


async def test_a_name_server_that_is_silent_is_given_up_and_holds_up_nothing(
    forger: Forger, pending: PendingLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ANSWER_S", 0.2)
    asked: list[threading.Thread] = []
    over = threading.Event()

    def silent(*_: object, **__: object) -> list[object]:
        asked.append(threading.current_thread())
        over.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    config = replace(forger.config, issuer=forger.issuer.replace("127.0.0.1", "localhost"))
    provider = OidcProvider(config, None)
    with pytest.raises(ProviderUnavailable, match="does not answer within"):
        await provider.authorization_url(pending)
    await provider.close()
    assert [thread.daemon for thread in asked] == [True]
    over.set()


async def test_names_are_looked_up(forger: Forger, pending: PendingLogin) -> None:
    issuer = forger.issuer.replace("127.0.0.1", "localhost")
    forger.metadata["issuer"] = issuer
    provider = OidcProvider(replace(forger.config, issuer=issuer), None)
    assert await provider.authorization_url(pending)
    await provider.close()


async def test_all_questions_together_have_a_limit(
    provider: OidcProvider, pending: PendingLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDENTIFY_S", 0.0)
    with pytest.raises(ProviderUnavailable, match="did not answer within"):
        await identify(provider, pending)


async def test_signing_out_leads_to_the_provider_where_it_offers_that(
    provider: OidcProvider, forger: Forger, clock: FakeClock
) -> None:
    back = "http://localhost/login"
    url = await provider.sign_out_url("id-token", back)
    assert url is not None and url.startswith(f"{forger.issuer}/end?")
    asked = {"client_id": [CLIENT], "id_token_hint": ["id-token"], "post_logout_redirect_uri": [back]}
    assert parse_qs(urlsplit(url).query) == asked
    for unknown_or_long in (None, "x" * 5000):
        without = await provider.sign_out_url(unknown_or_long, back)
        assert without is not None and "hint" not in without
    forger.metadata = {"end_session_endpoint": None}
    clock.now += KEEP_S
    assert await provider.sign_out_url("id-token", back) is None
    await forger.close()
    clock.now += KEEP_S
    assert await provider.sign_out_url("id-token", back) is None


async def test_signing_out_stays_here_where_that_is_set(forger: Forger) -> None:
    provider = OidcProvider(replace(forger.config, provider_sign_out=False), None)
    assert await provider.sign_out_url("id-token", "http://localhost/login") is None
    assert forger.asked == []
