"""The PAM helper's bounds in number and time, with checks that do as they like."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from libvirt_webrtc.errors import PamUnavailable
from libvirt_webrtc.pam import helper as helper_module
from libvirt_webrtc.pam.budget import BURST, MAX_NAMES, GuessBudget
from libvirt_webrtc.pam.client import ask_helper
from libvirt_webrtc.pam.helper import MAX_CHECKS, PamHelper
from libvirt_webrtc.pam.listening import MAX_CONNECTIONS, made_socket
from libvirt_webrtc.pam.protocol import CheckedUser, Verdict

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the helper is root's: run tests/run.sh as root")

HANGS = (sys.executable, "-c", "import time; time.sleep(600)")
CRASHES = (sys.executable, "-c", "import os; os.abort()")
SAYS_NO = (sys.executable, "-c", 'print(\'{"verdict": "no"}\')')


@asynccontextmanager
async def serving(
    helper: PamHelper, path: Path, idle_s: float | None = None
) -> AsyncIterator["asyncio.Task[None]"]:
    with made_socket(path, 0) as listening:
        task = asyncio.create_task(helper.serve(listening, idle_s))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_a_check_that_hangs_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "pam.sock"
    async with serving(PamHelper(frozenset(), command=HANGS, check_s=0.2), path):
        assert await ask_helper(path, "alice", "x") == CheckedUser(Verdict.FAILED)


async def test_a_check_that_crashes_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "pam.sock"
    async with serving(PamHelper(frozenset(), command=CRASHES), path):
        assert await ask_helper(path, "alice", "x") == CheckedUser(Verdict.FAILED)


async def test_checks_at_the_same_time_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "pam.sock"
    async with serving(PamHelper(frozenset(), command=HANGS), path):
        names = [f"user{number}" for number in range(MAX_CHECKS + 1)]
        asked = [asyncio.create_task(ask_helper(path, name, "x")) for name in names]
        done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == [CheckedUser(Verdict.BUSY)]
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


async def test_connections_at_the_same_time_are_bounded(tmp_path: Path) -> None:
    """Who connects and says nothing is let go; meanwhile there are only so many."""
    path = tmp_path / "pam.sock"
    async with serving(PamHelper(frozenset(), command=SAYS_NO), path):
        silent = [await asyncio.open_unix_connection(path) for _ in range(MAX_CONNECTIONS)]
        reader, writer = await asyncio.open_unix_connection(path)
        assert await reader.read() == b""
        writer.close()
        for _, writer in silent:
            writer.close()
        assert await until_answered(path) == CheckedUser(Verdict.NO)


async def test_who_says_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper_module, "ASK_S", 0.1)
    path = tmp_path / "pam.sock"
    async with serving(PamHelper(frozenset(), command=SAYS_NO), path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b'{"name": ')
        assert await reader.read() == b""
        writer.close()


async def test_passwords_of_one_user_are_bounded_and_of_others_not(tmp_path: Path) -> None:
    path = tmp_path / "pam.sock"
    helper = PamHelper(frozenset(), command=SAYS_NO, clock=lambda: 0.0)
    for _ in range(BURST - 1):
        assert helper.budget.take("Alice", 0.0)
    async with serving(helper, path):
        assert await ask_helper(path, "alice", "x") == CheckedUser(Verdict.NO)
        assert await ask_helper(path, "alice", "x") == CheckedUser(Verdict.BUSY)
        assert await ask_helper(path, "bob", "x") == CheckedUser(Verdict.NO)


async def test_it_ends_by_itself_where_systemd_starts_it_again(tmp_path: Path) -> None:
    async with serving(PamHelper(frozenset()), tmp_path / "pam.sock", idle_s=0.1) as task:
        await task


def test_tries_come_back_with_time() -> None:
    budget = GuessBudget()
    assert [budget.take("alice", 0.0) for _ in range(BURST + 2)] == [True] * BURST + [False] * 2
    assert not budget.take("alice", 0.2)
    assert budget.take("alice", 0.7) and not budget.take("alice", 0.7)


def test_right_passwords_cost_nothing() -> None:
    budget = GuessBudget()
    for _ in range(3 * BURST):
        assert budget.take("alice", 0.0)
        budget.give_back("alice", 0.0)


def test_made_up_names_do_not_wash_away_who_is_attacked() -> None:
    budget = GuessBudget()
    for _ in range(BURST):
        budget.take("alice", 0.0)
    for number in range(MAX_NAMES + 20):
        budget.take(f"user{number}", 0.0)
    assert not budget.take("alice", 0.0)


async def until_answered(path: Path) -> CheckedUser:
    """Connections that were closed are noticed a moment later."""
    while True:
        try:
            return await ask_helper(path, "alice", "x")
        except PamUnavailable:
            await asyncio.sleep(0.05)
