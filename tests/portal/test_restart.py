"""The service is started again: who was signed in still is, and who was not is not."""

import errno
import json
import logging
import os
import stat
from pathlib import Path

import pytest
from aiohttp import ClientResponse

from libvirt_webrtc.config import state_files
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal.auth.session import ABSOLUTE_S, IDLE_S
from libvirt_webrtc.portal.auth.session_store import SessionStore, StoredSession
from libvirt_webrtc.portal.auth.sessions import SAVE_S, Sessions, SessionSecrets
from libvirt_webrtc.portal.auth.user import TOKEN_USER, Method, User
from tests.portal.fakes import TOKEN, FakeAgent, FakeClock, Serve, Viewer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "sessions" / "127.0.0.1:8080.json"


@pytest.fixture
def store(path: Path) -> SessionStore:
    return SessionStore(path, TOKEN)


class Restarted:
    """Sessions of one process after the other."""

    def __init__(self, agent: FakeAgent, clock: FakeClock, path: Path) -> None:
        self._agent, self._clock, self._path = agent, clock, path

    def __call__(self, token: str = TOKEN) -> Sessions:
        return Sessions(self._agent, self._clock, SessionStore(self._path, token))


@pytest.fixture
def restarted(agent: FakeAgent, clock: FakeClock, path: Path) -> Restarted:
    return Restarted(agent, clock, path)


def text_of_owner(path: Path) -> str:
    """The text of a file that is for its owner only, and alone in its folder."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return path.read_text()


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def knows(sessions: Sessions, made: SessionSecrets) -> bool:
    return sessions.find(made.cookie, made.key) is not None


async def test_a_page_goes_on_after_a_restart(serve: Serve, store: SessionStore) -> None:
    first = await serve(Config(), store=store)
    async with Viewer(first) as page:
        await page.sign_in()
        port = first.port
        await first.close()
        page.server = await serve(Config(), store=store)
        # As a browser, it goes on to say the port that it has always used.
        page.headers |= {"Host": f"127.0.0.1:{port}", "Origin": f"http://127.0.0.1:{port}"}
        response: ClientResponse
        async with page.get("/api/domains") as response:
            assert response.status == 200
        async with page.offer() as response:
            assert response.status == 201
        async with page.request("DELETE", "/api/session") as response:
            assert response.status == 204
        await page.server.close()
        page.server = await serve(Config(), store=store)
        async with page.get("/api/domains") as response:
            assert response.status == 401


async def test_a_session_is_saved_when_it_begins_and_when_it_ends(restarted: Restarted) -> None:
    """The process may be killed at any time."""
    sessions = restarted()
    kept, left = await sessions.start(TOKEN_USER), await sessions.start(TOKEN_USER)
    await sessions.end(left.cookie)
    again = restarted()
    assert knows(again, kept) and not knows(again, left)
    assert again.pages(left.cookie) is None


async def test_another_token_ends_them(restarted: Restarted) -> None:
    made = await restarted().start(TOKEN_USER)
    assert not knows(restarted("another-token"), made)
    assert knows(restarted(), made)


async def test_another_run_of_the_system_ends_them(
    restarted: Restarted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clock is another one, and the time of day may have been set."""
    made = await restarted().start(TOKEN_USER)
    other = tmp_path / "boot_id"
    other.write_text("another\n")
    monkeypatch.setattr(state_files, "BOOT_ID", other)
    assert not knows(restarted(), made)


async def test_times_to_come_are_not_believed(restarted: Restarted, clock: FakeClock) -> None:
    made = await restarted().start(TOKEN_USER)
    clock.now -= 1
    assert not knows(restarted(), made)


async def test_the_time_in_between_counts(restarted: Restarted, clock: FakeClock) -> None:
    sessions = restarted()
    made = await sessions.start(TOKEN_USER)
    clock.now += IDLE_S - 1
    await sessions.close()
    assert knows(restarted(), made)
    clock.now += 1
    assert not knows(restarted(), made)


async def test_a_restart_gives_no_new_time(restarted: Restarted, clock: FakeClock) -> None:
    sessions = restarted()
    made = await sessions.start(TOKEN_USER)
    while clock.now < 1000 + ABSOLUTE_S - 2 * IDLE_S / 3:
        clock.now += 2 * IDLE_S / 3
        assert knows(sessions, made)
        await sessions.close()
        sessions = restarted()
    clock.now += IDLE_S
    assert not knows(restarted(), made)


async def test_use_is_saved_now_and_then_for_a_process_that_is_killed(
    restarted: Restarted, clock: FakeClock
) -> None:
    sessions = restarted()
    made = await sessions.start(TOKEN_USER)
    with sessions._sessions[next(iter(sessions._sessions))].streaming():
        clock.now += IDLE_S + SAVE_S
        await sessions.sweep()
        clock.now += SAVE_S - 1
        await sessions.sweep()
    assert knows(restarted(), made)


async def test_the_file_is_its_owners_and_holds_no_secret(restarted: Restarted, path: Path) -> None:
    old = os.umask(0)
    try:
        made = await restarted().start(TOKEN_USER)
    finally:
        os.umask(old)
    text = text_of_owner(path)
    assert made.cookie not in text and made.key not in text and TOKEN not in text


async def test_on_a_full_disk_people_sign_in_and_nobody_comes_back_who_left(
    restarted: Restarted, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sessions = restarted()
    left, stays = await sessions.start(TOKEN_USER), await sessions.start(TOKEN_USER)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        await sessions.end(left.cookie)
        new = await sessions.start(TOKEN_USER)
    assert knows(sessions, stays) and knows(sessions, new)
    assert list(path.parent.iterdir()) == [] and not knows(restarted(), left)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "No space left" in caplog.text and left.cookie not in caplog.text
    # Once there is room, all of them are saved again.
    await sessions.start(TOKEN_USER)
    again = restarted()
    assert knows(again, stays) and knows(again, new) and not knows(again, left)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"version": 2}',
        b'{"version": 2, "boot": "", "token": "", "sessions": [{"cookie": 1}]}',
        b"[" * 100_000,
    ],
)
async def test_a_file_that_is_none_is_passed_over(
    restarted: Restarted, path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    put(path, content)
    sessions = restarted()
    assert len(sessions) == 0 and len(caplog.records) == 1
    made = await sessions.start(TOKEN_USER)
    assert knows(restarted(), made)


def test_a_file_of_another_version_is_passed_over(store: SessionStore, path: Path) -> None:
    store.save([StoredSession("c", "k", 0.0, 0.0, "id", TOKEN_USER, 0.0)])
    assert len(store.load()) == 1
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 3}))
    assert store.load() == []


def test_files_of_addresses_that_are_not_used_any_more_are_removed(store: SessionStore, path: Path) -> None:
    other = path.with_name("127.0.0.1:9090.json")
    for file in (path, other):
        SessionStore(file, TOKEN).save([])
    os.utime(other, (0, 0))
    store.load()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_users_with_any_name_and_many_groups_come_back(store: SessionStore) -> None:
    groups = frozenset(f"{number}-{'g' * 100}" for number in range(1000))
    user = User("Jürgen \u65e5", Method.OIDC, groups)
    store.save([StoredSession("c", "k", 1.0, 1.0, "id", user, 2.0)] * 64)
    assert [stored.user for stored in store.load()] == [user] * 64
