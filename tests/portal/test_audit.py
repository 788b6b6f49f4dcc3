"""The audit log: its lines, what bounds them, and its file."""

import json
import logging
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from libvirt_webrtc.config.audit import AuditConfig
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.audit import MAX_REFUSED, MAX_REFUSED_OF_ALL, PERIOD_S, Audit
from libvirt_webrtc.portal.audit_events import (
    ActionAsked,
    Actor,
    AuditEvent,
    ConsoleOpened,
    Refusal,
    SignIn,
    SignOut,
    viewer_id,
)
from tests.portal.fakes import UUID, FakeClock

ALICE = Actor("192.0.2.7", "alice", "pam", "0123abcd")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def rotate(path: Path) -> Path:
    return path.rename(path.with_suffix(".1"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


def test_a_line_tells_who_what_which_domain_when_and_what_came_of_it(path: Path) -> None:
    audit = Audit(AuditConfig(path), clock=lambda: 1_800_000_000.25)
    audit.write(ActionAsked(domain=UUID, name="demo", action="attach", outcome="begun"), ALICE)
    audit.write(SignIn(outcome="ok"), ALICE)
    audit.close()
    audit.close()
    who = {"address": "192.0.2.7", "user": "alice", "method": "pam", "session": "0123abcd"}
    when = "2027-01-15T08:00:00.250+00:00"
    assert lines(path) == [
        {"time": when, "event": "action", **who}
        | {"domain": UUID, "name": "demo", "action": "attach", "outcome": "begun"},
        {"time": when, "event": "sign-in", **who, "outcome": "ok"},
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_without_a_file_lines_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    Audit().write(SignOut(reason="asked"), ALICE)
    (record,) = caplog.records
    assert record.name == "libvirt_webrtc.audit"
    assert json.loads(record.message)["event"] == "sign-out"


def test_what_users_choose_stays_in_its_line(path: Path) -> None:
    name = 'a"\n{"event": "x"}\r\x1b[31m\u2028\u202e\ud800\x00' + "x" * 1000
    audit = Audit(AuditConfig(path))
    audit.write(SignIn(outcome="refused", reason="wrong_password"), Actor("192.0.2.7", name, "pam"))
    audit.close()
    raw = path.read_bytes()
    assert raw.count(b"\n") == 1 and raw.isascii() and not set(raw[:-1]) & set(range(32))
    (line,) = lines(path)
    assert line["user"].startswith(name[:20]) and len(line["user"]) == 256


def test_a_viewer_is_named_without_its_secret() -> None:
    opened = ConsoleOpened(
        domain=UUID, name="demo", console=0, role="view", transport="webrtc", viewer=viewer_id("secret")
    )
    assert "secret" not in repr(opened) and opened.viewer == viewer_id("secret") != viewer_id("other")


def test_a_flood_of_refusals_is_counted_and_hides_nothing_else(path: Path) -> None:
    clock = FakeClock()
    audit = Audit(AuditConfig(path), monotonic=clock)
    refusal = Refusal(reason="not_signed_in", request="GET /api/domains")
    for _ in range(MAX_REFUSED + 70):
        audit.write(refusal, Actor("192.0.2.7"))
        audit.write(refusal, Actor("::ffff:192.0.2.7"))
    assert len(lines(path)) == MAX_REFUSED
    audit.write(SignIn(outcome="ok"), ALICE)
    audit.write(refusal, Actor("192.0.2.8"))
    assert [line["event"] for line in lines(path)[MAX_REFUSED:]] == ["sign-in", "refusal"]
    assert lines(path)[-1]["refusals_left_out"] == MAX_REFUSED + 140
    for number in range(2 * MAX_REFUSED_OF_ALL):
        audit.write(refusal, Actor(f"198.51.100.{number % 250}"))
    assert len(lines(path)) == MAX_REFUSED_OF_ALL + 1
    clock.now += PERIOD_S
    audit.write(refusal, Actor("192.0.2.7"))
    assert len(lines(path)) == MAX_REFUSED_OF_ALL + 2
    audit.close()


async def test_a_rotated_file_is_made_anew_and_one_that_cannot_be_keeps_the_old(path: Path) -> None:
    audit = Audit(AuditConfig(path))
    audit.write(SignOut(reason="one"), ALICE)
    rotated = rotate(path)
    audit.write(SignOut(reason="two"), ALICE)
    await audit.reload(Config(audit=AuditConfig(path)))
    audit.write(SignOut(reason="three"), ALICE)
    with pytest.raises(ConfigError, match="cannot be written: Not a directory.*folder must be there"):
        await audit.reload(Config(audit=AuditConfig(path / "below")))
    audit.write(SignOut(reason="four"), ALICE)
    audit.close()
    assert [line["reason"] for line in lines(rotated)] == ["one", "two"]
    assert [line["reason"] for line in lines(path)] == ["three", "four"]


def test_a_file_that_is_there_keeps_its_lines_and_mode(path: Path) -> None:
    path.touch(mode=0o600)
    for _ in range(2):
        audit = Audit(AuditConfig(path))
        audit.write(SignOut(reason="asked"), ALICE)
        audit.close()
    assert len(lines(path)) == 2 and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_disk_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    audit = Audit(AuditConfig(Path("/dev/full")))
    for _ in range(3):
        audit.write(SignOut(reason="asked"), ALICE)
    audit.close()
    (record,) = caplog.records
    assert "/dev/full cannot be written" in record.message and "No space left" in record.message


def test_a_line_cut_short_breaks_no_other(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = Audit(AuditConfig(path))
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: write(fd, data[:10]))
        audit.write(SignOut(reason="lost"), ALICE)
    audit.write(SignOut(reason="whole"), ALICE)
    audit.close()
    assert json.loads(path.read_text().splitlines()[1])["reason"] == "whole"


def test_the_document_has_every_event_and_field() -> None:
    text = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    rows = {row.split("`")[1]: row for row in text.splitlines() if row.startswith("| `")}
    events = {str(kind.__struct_config__.tag): kind for kind in AuditEvent.__subclasses__()}
    assert set(rows) - {"event"} == set(events)
    opened = rows["console-opened"]
    for tag, kind in events.items():
        row = rows[tag] + (opened if tag == "console-closed" else "")
        assert [name for name in kind.__struct_fields__ if f"`{name}`" not in row] == []
