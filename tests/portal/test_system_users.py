"""Signing in by user name, password and code. A program of the test's own plays PAM's part; the helper is real."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.config.access_rules import AccessRule
from libvirt_webrtc.config.load import STATE_VARIABLE, Config
from libvirt_webrtc.config.sign_in import PamConfig, SecondFactor, SignInConfig
from libvirt_webrtc.pam.helper import MAX_CHECKS, PamHelper
from libvirt_webrtc.pam.listening import made_socket
from libvirt_webrtc.portal.auth import throttle
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from libvirt_webrtc.portal.auth.failures import MAX_OF_PAIR, WINDOW_S
from libvirt_webrtc.portal.auth.system_users import MAX_OF_CLIENT, MAX_OF_KNOWN, MAX_OF_STRANGERS
from libvirt_webrtc.portal.auth.totp import FILE_NAME, TotpFile
from tests.portal.fakes import TOKEN, FakeClock, Serve, Viewer, refusal
from tests.portal.proxied import PROXY, behind_proxy

PAM = """
import json, sys, time
asked = json.load(sys.stdin)
verdict = asked["password"]
if verdict == "slow":
    time.sleep(600)
answer = {"verdict": verdict if verdict != "wrong" else "no"}
if verdict == "yes":
    answer |= {"name": asked["name"].lower(), "groups": [] if asked["name"] == "mallory" else ["ops"]}
print(json.dumps(answer))
"""
"""A password here is what PAM says of it."""


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the helper is root's: run tests/run.sh as root")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TotpFile:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    return TotpFile(tmp_path / FILE_NAME)


@pytest.fixture
async def helper(tmp_path: Path) -> AsyncIterator["asyncio.Task[None]"]:
    """It answers as long as this task is not cancelled."""
    with made_socket(tmp_path / "pam.sock", 0) as listening:
        task = asyncio.create_task(
            PamHelper(frozenset(), command=(sys.executable, "-c", PAM)).serve(listening)
        )
        yield task
        task.cancel()
        await asyncio.wait([task])


def settings(tmp_path: Path, second_factor: SecondFactor = "enrolled") -> Config:
    sign_in = SignInConfig(methods=("pam",), pam=PamConfig(tmp_path / "pam.sock", second_factor))
    rule = AccessRule(Role.VIEW, groups=("ops",), domains=("*",))
    return Config(sign_in=sign_in, access=(rule,))


@pytest.fixture
async def viewer(serve: Serve, tmp_path: Path, helper: object) -> AsyncIterator[Viewer]:
    async with Viewer(await serve(settings(tmp_path))) as viewer:
        yield viewer


async def attempt(viewer: Viewer, user: str, password: str, code: str | None = None) -> tuple[int, str]:
    """The answer's status and error; for a sign-in, the session's key."""
    body = {"user": user, "password": password} | ({} if code is None else {"code": code})
    async with viewer.request("POST", "/api/session", {"Origin": viewer.origin}, json=body) as response:
        if response.status != 200:
            return await refusal(response)
        cookie = response.cookies[viewer.cookie_name]
        key: str = (await response.json())["key"]
        viewer.headers = {"Cookie": f"{cookie.key}={cookie.value}", KEY_HEADER: key, "Origin": viewer.origin}
        return response.status, key


async def test_a_right_password_opens_a_session_with_the_systems_groups(viewer: Viewer) -> None:
    assert (await attempt(viewer, "alice", "yes"))[0] == 200
    async with viewer.get("/api/domains") as response:
        assert [domain["name"] for domain in (await response.json())["domains"]] == ["demo"]


@pytest.mark.parametrize(
    ("pam", "answer"),
    [
        ("no", (401, "wrong_password")),
        ("no-access", (403, "no_access")),
        ("change-password", (403, "change_password")),
        ("busy", (503, "pam_busy")),
        ("failed", (503, "pam_unavailable")),
    ],
)
async def test_what_pam_says_is_told(viewer: Viewer, pam: str, answer: tuple[int, str]) -> None:
    assert await attempt(viewer, "alice", pam) == answer
    assert viewer.headers == {}


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("\ud800", "yes"),
        ("alice", "\ud800"),
        ("", "\ud800"),
        ("", "yes"),
        ("a" * 9000, "yes"),
        ("alice", "y" * 9000),
    ],
    ids=["name", "password", "password-of-nobody", "nobody", "long-name", "long-password"],
)
async def test_what_can_be_nobodys_name_or_password_is_a_wrong_guess(
    viewer: Viewer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    user: str,
    password: str,
) -> None:
    """A lone surrogate, which is no text, or more than PAM takes."""
    monkeypatch.setattr(throttle, "PAUSE_S", 0.0)
    caplog.set_level(logging.INFO, "libvirt_webrtc.audit")
    for _ in range(MAX_OF_PAIR):
        assert await attempt(viewer, user, password) == (401, "wrong_password")
    assert await attempt(viewer, user, password) == (429, "too_many_failures")
    records = [record for record in caplog.records if record.name == "libvirt_webrtc.audit"]
    assert len(records) == MAX_OF_PAIR + 1


async def test_a_user_to_whom_nothing_is_granted_is_refused(viewer: Viewer) -> None:
    assert await attempt(viewer, "mallory", "yes") == (403, "sign_in_refused")
    assert await attempt(viewer, "mallory", "wrong") == (401, "wrong_password")
    assert viewer.headers == {}


async def test_without_a_helper_nobody_signs_in(viewer: Viewer, tmp_path: Path) -> None:
    (tmp_path / "pam.sock").unlink()
    assert await attempt(viewer, "alice", "yes") == (503, "pam_unavailable")


async def test_wrong_passwords_slow_down_that_user_there_and_no_other(viewer: Viewer) -> None:
    for _ in range(MAX_OF_PAIR):
        assert await attempt(viewer, "alice", "wrong") == (401, "wrong_password")
    assert await attempt(viewer, "alice", "wrong") == (429, "too_many_failures")
    assert await attempt(viewer, "bob", "wrong") == (401, "wrong_password")
    assert (await attempt(viewer, "alice", "yes"))[0] == 200


async def test_one_client_has_only_so_many_passwords_checked_at_the_same_time(
    viewer: Viewer, helper: "asyncio.Task[None]"
) -> None:
    """But whoever has signed in there before does not wait for the passwords that others try."""
    assert (await attempt(viewer, "alice", "yes"))[0] == 200
    tries = [asyncio.create_task(attempt(viewer, f"user{n}", "slow")) for n in range(MAX_OF_CLIENT + 1)]
    done, _ = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [(429, "too_many_attempts")]
    assert (await attempt(viewer, "alice", "yes"))[0] == 200
    helper.cancel()
    assert (await asyncio.gather(*tries)).count((503, "pam_unavailable")) == MAX_OF_CLIENT


async def test_strangers_of_many_clients_leave_the_helper_some_time_for_who_has_signed_in_before(
    serve: Serve, tmp_path: Path, helper: "asyncio.Task[None]"
) -> None:
    assert MAX_OF_STRANGERS + MAX_OF_KNOWN <= MAX_CHECKS
    config = replace(settings(tmp_path), portal=behind_proxy().portal)
    async with Viewer(await serve(config)) as viewer:

        async def attempt_from(number: int, user: str, password: str) -> int:
            headers = {**PROXY, "X-Forwarded-For": f"192.0.2.{number}", "Origin": "https://vm.example.org"}
            body = {"user": user, "password": password}
            async with viewer.request("POST", "/api/session", headers, json=body) as response:
                return response.status

        assert await attempt_from(1, "alice", "yes") == 200
        tries = [
            asyncio.create_task(attempt_from(2 + n // MAX_OF_CLIENT, f"user{n}", "slow"))
            for n in range(MAX_OF_STRANGERS + 1)
        ]
        done, _ = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == [503]
        assert await attempt_from(1, "bob", "yes") == 503
        assert await attempt_from(1, "alice", "yes") == 200
        helper.cancel()
        await asyncio.gather(*tries)


async def test_what_is_not_switched_on_is_refused(viewer: Viewer, serve: Serve) -> None:
    """A right token is no sign-in where the settings do not name it, and a password is none by default."""
    async with viewer.login() as response:
        assert await refusal(response) == (403, "method_off")
    viewer.use_token()
    async with viewer.get("/api/domains") as response:
        assert (await refusal(response))[0] == 401
    async with Viewer(await serve(Config())) as other:
        assert await attempt(other, "alice", "yes") == (403, "method_off")


@pytest.mark.parametrize(
    "body",
    [
        {"user": "alice"},
        {"user": "alice", "password": 1},
        {"user": "alice", "password": "yes", "code": None},
        {"user": "alice", "password": "yes", "token": TOKEN},
    ],
)
async def test_half_a_proof_is_none(viewer: Viewer, body: dict[str, object]) -> None:
    async with viewer.request("POST", "/api/session", json=body) as response:
        assert await refusal(response) == (400, "bad_request")


async def test_a_user_with_a_second_factor_needs_its_code(viewer: Viewer, state: TotpFile) -> None:
    totp = enroll(state, "alice")
    # However somebody spells the name, where the directory takes that.
    for name in ("alice", "ALICE"):
        assert await attempt(viewer, name, "yes") == (401, "code_needed")
    assert await attempt(viewer, "alice", "wrong", totp.now()) == (401, "wrong_password")
    assert await attempt(viewer, "alice", "yes", "12345") == (401, "wrong_code")
    code = totp.now()
    assert (await attempt(viewer, "alice", "yes", code))[0] == 200
    assert await attempt(viewer, "alice", "yes", code) == (401, "wrong_code")
    assert (await attempt(viewer, "bob", "yes"))[0] == 200


async def test_wrong_codes_of_a_user_are_bounded(viewer: Viewer, state: TotpFile, clock: FakeClock) -> None:
    """Whoever has the password has a million codes to try."""
    totp = enroll(state, "alice")
    for _ in range(MAX_OF_PAIR):
        assert (await attempt(viewer, "alice", "yes", "no code"))[0] == 401
    assert await attempt(viewer, "alice", "yes", totp.now()) == (429, "too_many_codes")
    clock.now += WINDOW_S + 1
    assert (await attempt(viewer, "alice", "yes", totp.now()))[0] == 200


async def test_where_a_second_factor_is_required_nobody_signs_in_without(
    serve: Serve, tmp_path: Path, helper: object, state: TotpFile
) -> None:
    async with Viewer(await serve(settings(tmp_path, "required"))) as viewer:
        assert await attempt(viewer, "alice", "yes") == (403, "second_factor_missing")
        assert await attempt(viewer, "alice", "yes", "123456") == (403, "second_factor_missing")
        totp = enroll(state, "alice")
        assert (await attempt(viewer, "alice", "yes", totp.now()))[0] == 200


async def test_a_file_of_second_factors_that_cannot_be_read_lets_nobody_in(
    viewer: Viewer, tmp_path: Path
) -> None:
    (tmp_path / FILE_NAME).write_text("{")
    assert await attempt(viewer, "alice", "yes") == (503, "pam_unavailable")


async def test_the_audit_log_tells_who_was_tried_how_and_no_secret(
    viewer: Viewer, state: TotpFile, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    totp = enroll(state, "alice")
    await attempt(viewer, "alice", "wrong")
    await attempt(viewer, "Alice", "yes")
    await attempt(viewer, "Alice", "yes", totp.now())
    records = [record for record in caplog.records if record.name == "libvirt_webrtc.audit"]
    lines = [json.loads(record.getMessage()) for record in records]
    assert {line["method"] for line in lines} == {"pam"}
    assert [(line["event"], line["user"], line.get("reason")) for line in lines] == [
        ("sign-in", "alice", "wrong_password"),
        ("sign-in", "Alice", "code_needed"),
        ("sign-in", "alice", None),
    ]
    assert totp.secret not in caplog.text


def enroll(file: TotpFile, user: str) -> pyotp.TOTP:
    secret = parse_qs(urlsplit(file.enroll(user)).query)["secret"][0]
    return pyotp.TOTP(secret)
