"""The PAM helper as it runs for the service, with real users and the system's own PAM; and what it does to abusers."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from libvirt_webrtc.errors import PamUnavailable
from libvirt_webrtc.pam.check import check
from libvirt_webrtc.pam.client import ask_helper
from libvirt_webrtc.pam.protocol import (
    MAX_NAME_BYTES,
    MAX_QUESTION_BYTES,
    CheckedUser,
    Question,
    Verdict,
    write_line,
)
from tests.support.system_users import PASSWORD, pam_helper, run, system_user

NOBODY = 65534


@pytest.fixture
def helper() -> Iterator[Path]:
    """A helper that lets ``daemon`` ask, as the service's user, in a folder that others can enter."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with pam_helper(Path(folder), "--user", "daemon") as path:
            yield path


@pytest.fixture
def alice() -> Iterator[str]:
    with system_user("lvw-alice", "lvw-ops") as name:
        yield name


async def test_a_right_password_gives_the_name_and_the_groups(helper: Path, alice: str) -> None:
    answer = await ask_helper(helper, alice, PASSWORD)
    assert answer == CheckedUser(Verdict.YES, alice, ("lvw-alice", "lvw-ops"))


async def test_wrong_passwords_and_unknown_users_get_the_same_answer(helper: Path, alice: str) -> None:
    answers = await asyncio.gather(
        ask_helper(helper, alice, "wrong"),
        ask_helper(helper, alice, PASSWORD + "x"),
        ask_helper(helper, "lvw-nobody", PASSWORD),
        ask_helper(helper, "bin", PASSWORD),
    )
    assert set(answers) == {CheckedUser(Verdict.NO)}


async def test_accounts_that_may_not_sign_in_are_refused_after_the_right_password(
    helper: Path, alice: str
) -> None:
    """By PAM's account stage. With a wrong password nobody hears of it."""
    run("chage", "--expiredate", "2001-01-01", alice)
    assert await ask_helper(helper, alice, PASSWORD) == CheckedUser(Verdict.NO_ACCESS)
    assert await ask_helper(helper, alice, "wrong") == CheckedUser(Verdict.NO)
    run("chage", "--expiredate", "-1", "--lastday", "0", alice)
    assert await ask_helper(helper, alice, PASSWORD) == CheckedUser(Verdict.CHANGE_PASSWORD)
    run("chage", "--lastday", "-1", alice)
    run("usermod", "--lock", alice)
    assert await ask_helper(helper, alice, PASSWORD) == CheckedUser(Verdict.NO)
    run("usermod", "--unlock", alice)
    assert (await ask_helper(helper, alice, PASSWORD)).verdict is Verdict.YES


async def test_an_account_without_a_password_does_not_sign_in(helper: Path, alice: str) -> None:
    """Debian's rules have nullok, by which any password would do."""
    run("passwd", "--delete", alice)
    assert await ask_helper(helper, alice, "any") == CheckedUser(Verdict.NO)
    assert await ask_helper(helper, alice, "") == CheckedUser(Verdict.NO)


async def test_root_is_refused_under_each_of_its_names_unless_told(tmp_path: Path, helper: Path) -> None:
    # Another name of root's, so that root's own password stays.
    run("useradd", "--non-unique", "--uid", "0", "--no-create-home", "lvw-toor")
    run("chpasswd", stdin=f"lvw-toor:{PASSWORD}\n")
    try:
        assert await ask_helper(helper, "lvw-toor", PASSWORD) == CheckedUser(Verdict.NO)
        (tmp_path / "told").mkdir()
        with pam_helper(tmp_path / "told", "--user", "daemon", "--allow-root") as told:
            assert (await ask_helper(told, "lvw-toor", PASSWORD)).verdict is Verdict.YES
    finally:
        run("userdel", "--force", "lvw-toor")


def test_pam_is_not_asked_for_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long it takes would tell whether the password is right."""
    monkeypatch.delattr("libvirt_webrtc.pam.check.TwoStages")
    assert check(Question("root", PASSWORD), allow_root=False) == CheckedUser(Verdict.NO)


ASK = """
import asyncio, sys
from pathlib import Path
from libvirt_webrtc.pam.client import ask_helper
print(asyncio.run(ask_helper(Path(sys.argv[1]), "", "")).verdict)
"""


def ask_as(user: str, path: Path) -> str:
    """What another user's process hears."""
    command = ["setpriv", "--reuid", user, "--clear-groups", sys.executable, "-c", ASK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_only_the_services_user_and_root_may_ask(helper: Path) -> None:
    assert ask_as("daemon", helper) == "no\n"
    assert "Permission denied" in ask_as("nobody", helper)
    helper.chmod(0o666)  # whatever its mode, the kernel says who it is
    assert "ended the connection" in ask_as("nobody", helper)
    assert "may not ask, and is refused" in helper.with_name("pam-helper.log").read_text()


async def test_a_password_goes_to_nobody_but_root(tmp_path: Path) -> None:
    """A socket that somebody else put there."""
    if os.geteuid() != 0:
        pytest.skip("becomes another user: run tests/run.sh as root")
    path = tmp_path / "fake.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        os.seteuid(NOBODY)
        try:
            listening.listen()  # the kernel notes who it was that listened
        finally:
            os.seteuid(0)
        with pytest.raises(PamUnavailable, match="user 65534 listens at"):
            await ask_helper(path, "alice", PASSWORD)
        connection, _ = listening.accept()
        with connection:
            assert await asyncio.to_thread(connection.recv, 1000) == b""


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b'{"name": "", "password": ""}\n', Verdict.NO),
        (b'{"name": "%s", "password": "x"}\n' % (b"n" * (MAX_NAME_BYTES + 1)), Verdict.NO),
        (b'{"name": "root", "password": "%s"}\n' % (b"p" * 512), Verdict.NO),
        (b'{"name": "root\\u0000", "password": "x"}\n', Verdict.NO),
        (b'{"name": "lvw", "password": "x\\u0000y"}\n', Verdict.NO),
        (b'{"name": "a\\nb", "password": "x"}\n', Verdict.NO),
        (b'{"name": "root", "password": "x", "service": "login"}\n', None),
        (b'{"name": ["root"], "password": "x"}\n', None),
        (b"\xff\xfe\n", None),
        (b"[" * MAX_QUESTION_BYTES + b"\n", None),
        (b"n" * (1 << 20), None),
    ],
)
def test_what_is_no_question_gets_no_check(helper: Path, sent: bytes, answer: Verdict | None) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(helper))
        with suppress(BrokenPipeError):
            client.sendall(sent)
        try:
            heard = client.makefile("rb").read()
        except ConnectionResetError:
            heard = b""
    assert heard == (write_line(CheckedUser(answer)) if answer else b"")
    log = helper.with_name("pam-helper.log").read_text()
    assert "root" not in log and "password" not in log.replace("passwords", "")
