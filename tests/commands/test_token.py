"""``libvirt-webrtc token`` as a process."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from libvirt_webrtc.portal.issued.api_tokens import FILE_NAME
from libvirt_webrtc.portal.issued.secret_text import TOKEN_PREFIX, is_whole
from tests.commands.running import run_command

SERVICE = 4242
"""A user other than root, as the service's is."""


def token(folder: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return run_command(folder, "token", *arguments, status=status)


def test_the_text_is_shown_once_and_nothing_else_on_standard_output(tmp_path: Path) -> None:
    options = ("--role", "control", "--domain", "web-*", "--domain", "db", "--days", "30")
    made = token(tmp_path, "create", "ci", *options)
    text = made.stdout.removesuffix("\n")
    assert is_whole(text, TOKEN_PREFIX)
    assert "control for web-* db, until" in made.stderr and text not in made.stderr

    listed = token(tmp_path, "list")
    assert "ci" in listed.stdout and "never" in listed.stdout and text not in listed.stdout
    (shown,) = json.loads(token(tmp_path, "list", "--json").stdout)
    assert {name: shown[name] for name in ("name", "role", "domains", "ended", "used")} == {
        "name": "ci",
        "role": "control",
        "domains": ["web-*", "db"],
        "ended": False,
        "used": None,
    }
    assert shown["ends"] - shown["created"] == 30 * 24 * 3600
    assert token(tmp_path, "revoke", shown["id"]).stdout == f"revoked ci ({shown['id']})\n"
    assert json.loads(token(tmp_path, "list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["revoke", "ci"], "there is no token 'ci'"),
        (["create", "ci"], "required: --domain"),
        (["create", "c i", "--domain", "*"], "cannot be a token's name"),
        (["create", "ci", "--domain", "*", "--days", "0"], "--days 0"),
        (["create", "ci", "--domain", "*", "--role", "root"], "'root' is no role"),
        ([], "required: COMMAND"),
    ],
)
def test_what_cannot_be_done_says_why(tmp_path: Path, arguments: list[str], why: str) -> None:
    done = token(tmp_path, *arguments, status=2)
    assert why in done.stderr and not done.stdout
    assert not (tmp_path / FILE_NAME).exists()


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.touch(0o600)
    path.write_text('{"version": 1, "records": [')
    for arguments in (["list"], ["create", "ci", "--domain", "*"], ["revoke", "ci"]):
        assert f"{path} is damaged" in token(tmp_path, *arguments, status=1).stderr
    assert path.read_text() == '{"version": 1, "records": ['


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_writes_as_the_user_whom_the_services_folder_belongs_to(tmp_path: Path) -> None:
    for folder in (tmp_path.parent.parent, tmp_path.parent, tmp_path):
        folder.chmod(folder.stat().st_mode | 0o011)
    state = tmp_path / "state"
    state.mkdir(0o700)
    os.chown(state, SERVICE, SERVICE)
    token(state, "create", "ci", "--domain", "*")
    found = (state / FILE_NAME).stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (SERVICE, SERVICE, 0o600)

    # A service that somebody broke into leaves a trap for root.
    secret = tmp_path / "roots"
    secret.write_text("mine")
    (state / FILE_NAME).unlink()
    (state / FILE_NAME).symlink_to(secret)
    assert "symbolic link" in token(state, "create", "ci", "--domain", "*", status=1).stderr
    assert secret.read_text() == "mine" and secret.stat().st_uid == 0
