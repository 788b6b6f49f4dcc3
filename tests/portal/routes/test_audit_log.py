"""What the audit log tells of requests, and that no secret is in it."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from libvirt_webrtc.agent.ends import ViewerEnd
from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.agent.interface import Action
from libvirt_webrtc.errors import CannotAttach
from libvirt_webrtc.portal.audit_events import viewer_id
from libvirt_webrtc.portal.auth.session import IDLE_S
from libvirt_webrtc.portal.auth.sessions import Sessions
from libvirt_webrtc.portal.auth.user import Method, User
from tests.media.helpers import until
from tests.portal.fakes import TOKEN, UUID, WHEP, FakeAgent, FakeClock, Served, Viewer
from tests.portal.people import people_at, rule

DOMAIN = {"domain": UUID, "name": "demo"}
ATTACH = f"/api/domains/{UUID}/actions/attach"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> "Lines":
    caplog.set_level(logging.DEBUG)
    return Lines(caplog)


class Lines:
    """The audit log, which goes to the program's log here."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def all(self) -> list[dict[str, Any]]:
        """All lines, without their times, and without the address that all come from."""
        records = [record for record in self._caplog.records if record.name == "libvirt_webrtc.audit"]
        lines = [json.loads(record.getMessage()) for record in records]
        assert all(line.pop("time") for line in lines)
        return [
            {key: value for key, value in line.items() if (key, value) != ("address", "127.0.0.1")}
            for line in lines
        ]

    def events(self) -> list[str]:
        return [line["event"] for line in self.all()]


def who(name: str) -> dict[str, str]:
    return {"user": name, "method": "pam", "session": f"id-{name}"}


async def test_a_console_is_told_when_it_opens_and_when_it_closes_with_role_and_bytes(
    agent: FakeAgent, web_folder: Path, tmp_path: Path, lines: Lines
) -> None:
    async with people_at(tmp_path, web_folder, agent, ["alice"], rule(Role.CONTROL, "alice")) as people:
        alice = await people.viewer("alice")
        async with alice.offer() as response:
            assert response.status == 201
        agent.ends.tell(ViewerEnd("viewer1", 123_456))
        agent.ends.tell(ViewerEnd("viewer1", 999))
        await until(lambda: len(lines.all()) == 2)
        async with alice.offer() as response:
            assert response.status == 201
    console = {"console": 0, "role": "control", "transport": "webrtc"}
    opened, closed, again, cut = lines.all()
    viewer = {"viewer": viewer_id("viewer1")}
    assert opened == {"event": "console-opened", **who("alice"), **DOMAIN, **console, **viewer}
    seconds = closed.pop("seconds")
    assert closed == {**opened, "event": "console-closed", "bytes_sent": 123_456} and seconds >= 0
    assert again["viewer"] == cut["viewer"] == viewer_id("viewer2")
    assert cut["event"] == "console-closed" and "bytes_sent" not in cut, "the portal itself ended"


async def test_one_that_vanished_without_a_word_is_told_at_the_next_sweep(
    agent: FakeAgent, web_folder: Path, tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libvirt_webrtc.portal.app.SWEEP_S", 0.01)
    async with people_at(tmp_path, web_folder, agent, ["alice"], rule(Role.VIEW, "alice")) as people:
        async with (await people.viewer("alice")).offer() as response:
            assert response.status == 201
        agent.viewers.clear()
        await until(lambda: lines.events() == ["console-opened", "console-closed"])


async def test_actions_and_what_came_of_them(
    agent: FakeAgent, web_folder: Path, tmp_path: Path, lines: Lines
) -> None:
    async with people_at(tmp_path, web_folder, agent, ["olga"], rule(Role.OPERATE, "olga")) as people:
        olga = await people.viewer("olga")
        async with olga.request("POST", ATTACH) as response:
            assert response.status == 202
        agent.error = CannotAttach("not now")
        async with olga.request("POST", ATTACH) as response:
            assert response.status == 409
    begun, failed = lines.all()
    action = {"event": "action", **who("olga"), **DOMAIN, "action": Action.ATTACH}
    assert begun == {**action, "outcome": "begun"}
    assert failed == {**action, "outcome": "failed", "reason": "cannot_attach"}


async def test_refusals_tell_who_was_refused_what(
    agent: FakeAgent, web_folder: Path, tmp_path: Path, lines: Lines
) -> None:
    async with people_at(tmp_path, web_folder, agent, ["eve"], rule(Role.VIEW, "eve")) as people:
        eve, stranger = await people.viewer("eve"), await people.stranger()
        async with eve.request("POST", ATTACH) as response:
            assert response.status == 403
        async with eve.request("POST", ATTACH, {"Origin": "https://evil.example"}) as response:
            assert response.status == 403
        async with stranger.get(f"{WHEP}/viewer1".replace("/whep/viewer1", "/stats")) as response:
            assert response.status == 401
        async with stranger.get("/login", headers={"Host": "evil.example"}) as response:
            assert response.status == 403
    refused = {"event": "refusal", "outcome": "refused"}
    act = {"request": "POST /api/domains/{uuid}/actions/{action}", "domain": UUID}
    stats = {"request": "GET /api/domains/{uuid}/consoles/{console}/stats", "domain": UUID}
    assert lines.all() == [
        {**refused, **who("eve"), "reason": "role_too_low", **act},
        {**refused, "reason": "wrong_origin", **act},
        {**refused, "reason": "not_signed_in", **stats},
        {**refused, "reason": "wrong_host", "request": "GET /login"},
    ]


async def test_sessions_that_end(agent: FakeAgent, clock: FakeClock, lines: Lines) -> None:
    sessions = Sessions(agent, clock)
    idle = await sessions.start(User("idle", Method.PAM))
    clock.now += IDLE_S
    await sessions.sweep()
    gone = await sessions.start(User("gone", Method.LINK))
    await sessions.end_where(lambda session: session.user.name == "gone")
    over = await sessions.start(User("over", Method.LINK), ends=clock.now + 60)
    clock.now += 60
    await sessions.end_where(lambda session: session.user.name == "over")
    ended = {"event": "sign-out", "address": "local"}
    assert lines.all() == [
        {**ended, "user": "idle", "method": "pam", "session": idle.id, "reason": "expired"},
        {**ended, "user": "gone", "method": "link", "session": gone.id, "reason": "revoked"},
        {**ended, "user": "over", "method": "link", "session": over.id, "reason": "expired"},
    ]


async def test_rules_that_changed_are_told_with_what_ended(
    agent: FakeAgent, web_folder: Path, tmp_path: Path, lines: Lines
) -> None:
    async with people_at(tmp_path, web_folder, agent, ["alice"], rule(Role.VIEW, "alice")) as people:
        async with (await people.viewer("alice")).offer() as response:
            assert response.status == 201
        await people.change(rule(Role.VIEW, "alice"))
        await people.change()
    assert [line for line in lines.all() if line["event"] == "roles"] == [
        {"event": "roles", "address": "local", "rules": 0, "ended_consoles": 1}
    ]


async def test_no_secret_is_in_any_log(
    server: Served, viewer: Viewer, script: Viewer, agent: FakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with viewer.login("a-wrong-token-of-somebody") as response:
        assert response.status == 401
    secrets = [TOKEN, "a-wrong-token-of-somebody", await viewer.sign_in(), viewer.headers["Session-Key"]]
    for client in (viewer, script):
        async with client.offer() as response:
            location = response.headers["Location"]
            secrets.append(location.rpartition("/")[2])
        async with client.request("DELETE", location) as response:
            assert response.status == 200
        async with client.request("DELETE", location) as response:
            assert response.status == 404
    async with viewer.request("DELETE", "/api/session") as response:
        assert response.status == 204
    async with viewer.request("DELETE", location) as response:
        assert response.status == 401
    told = Lines(caplog).events()
    for event in ("sign-in", "console-opened", "sign-out", "refusal"):
        assert event in told
    assert secrets[-1].startswith("viewer")
    assert not [secret for secret in secrets if secret in caplog.text]
