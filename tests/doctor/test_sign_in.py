"""Checks of PAM's helper, the OpenID provider and the proxy's header."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from email.utils import formatdate
from ipaddress import ip_network
from pathlib import Path

import pytest

from libvirt_webrtc.config.proxy_sign_in import ProxySignInConfig
from libvirt_webrtc.config.sign_in import PamConfig, SignInConfig
from libvirt_webrtc.doctor.findings import Finding
from libvirt_webrtc.doctor.sign_in import check_sign_in
from libvirt_webrtc.hook.check import Level
from libvirt_webrtc.pam.helper import PamHelper
from libvirt_webrtc.pam.listening import made_socket
from tests.portal.oidc.forger import Forger


@pytest.fixture
async def forger() -> AsyncIterator[Forger]:
    async with Forger() as forger:
        yield forger


async def check(forger: Forger, secret: Path | None = None) -> list[Finding]:
    config = replace(forger.config, client_secret_file=secret)
    return await check_sign_in(SignInConfig(("oidc",), oidc=config))


async def test_a_sound_provider_is_found_so(forger: Forger) -> None:
    (finding,) = await check(forger)
    assert (finding.level, finding.text) == (Level.OK, f"{forger.issuer} answers, and has 2 keys")


async def test_a_secret_that_cannot_be_read_is_told_and_the_rest_checked(
    forger: Forger, tmp_path: Path
) -> None:
    secret, provider = await check(forger, tmp_path / "none")
    assert secret.level is Level.PROBLEM and "client_secret_file" in str(secret.remedy)
    assert provider.level is Level.OK


async def test_another_issuers_document_is_a_problem(forger: Forger) -> None:
    forger.metadata = {"issuer": "https://evil.example"}
    (finding,) = await check(forger)
    assert finding.level is Level.PROBLEM and "https://evil.example" in finding.text


async def test_a_provider_that_is_away_is_a_problem(forger: Forger) -> None:
    await forger.close()
    (finding,) = await check(forger)
    assert finding.level is Level.PROBLEM and "cannot be reached" in finding.text


async def test_a_provider_without_a_signature_that_is_taken_is_a_problem(forger: Forger) -> None:
    forger.metadata = {"id_token_signing_alg_values_supported": ["none", "HS256"]}
    _, finding = await check(forger)
    assert finding.level is Level.PROBLEM and "RS256" in str(finding.remedy)


@pytest.mark.parametrize(
    ("difference_s", "level"), [(0, None), (45, Level.WARNING), (-45, Level.WARNING), (3600, Level.PROBLEM)]
)
async def test_clocks_that_differ_are_told(forger: Forger, difference_s: int, level: Level | None) -> None:
    forger.date = formatdate(time.time() + difference_s, usegmt=True)
    _, *further = await check(forger)
    assert [finding.level for finding in further] == ([] if level is None else [level])


async def test_a_proxy_on_this_host_is_warned_of() -> None:
    for source, level in (("127.0.0.1", Level.WARNING), ("10.0.0.2", Level.OK)):
        config = SignInConfig(("proxy",), proxy=ProxySignInConfig((ip_network(source),)))
        (finding,) = await check_sign_in(config)
        assert finding.level is level and source in finding.text


async def test_what_is_off_is_not_looked_at(forger: Forger) -> None:
    proxy = ProxySignInConfig((ip_network("127.0.0.1"),))
    assert await check_sign_in(SignInConfig(oidc=forger.config, proxy=proxy)) == []
    assert forger.asked == []


async def check_pam(socket: Path) -> list[tuple[Level, str]]:
    findings = await check_sign_in(SignInConfig(("pam",), pam=PamConfig(socket)))
    return [(finding.level, finding.text) for finding in findings]


async def test_a_pam_helper_without_rules_and_one_that_nobody_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rules = tmp_path / "pam.sock", tmp_path / "rules"
    monkeypatch.setattr("libvirt_webrtc.doctor.sign_in.RULES", (rules,))
    missing, away = await check_pam(path)
    assert missing == (Level.PROBLEM, f"{rules} is missing, so that the helper does not start")
    assert away[0] is Level.PROBLEM and f"nobody listens at {path}" in away[1]
    rules.touch()
    assert await check_pam(path) == [away]


@pytest.mark.skipif(os.geteuid() != 0, reason="the helper is root's: run tests/run.sh as root")
async def test_a_pam_helper_that_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pam.sock"
    monkeypatch.setattr("libvirt_webrtc.doctor.sign_in.RULES", (tmp_path,))
    with made_socket(path, 0) as listening:
        serving = asyncio.create_task(PamHelper(frozenset()).serve(listening))
        assert await check_pam(path) == [(Level.OK, f"the helper at {path} answers")]
        serving.cancel()
        await asyncio.wait([serving])
