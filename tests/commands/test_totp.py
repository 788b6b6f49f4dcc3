"""``libvirt-webrtc totp`` and ``pam-helper`` as processes."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from libvirt_webrtc.portal.auth.totp import FILE_NAME
from tests.commands.running import run_command

SERVICE = 4242
"""A user other than root, as the service's is."""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that other users can enter; ``tmp_path`` is in one that they cannot."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def command(folder: Path, *arguments: str, status: int = 0, prefix: tuple[str, ...] = ()) -> str:
    """What it prints: standard output, and then standard error."""
    done = run_command(folder, *arguments, status=status, prefix=prefix)
    return done.stdout + done.stderr


def test_a_user_is_enrolled_listed_and_removed(tmp_path: Path) -> None:
    told = command(tmp_path, "totp", "enroll", "daemon")
    assert (
        told.startswith("For daemon's authenticator app")
        and "\notpauth://totp/libvirt-webrtc:daemon%40" in told
    )
    assert command(tmp_path, "totp", "list") == "daemon\n"
    assert "daemon has a second factor" in command(tmp_path, "totp", "enroll", "daemon", status=2)
    assert command(tmp_path, "totp", "remove", "daemon") == "daemon signs in without a code now\n"
    assert command(tmp_path, "totp", "list") == ""
    assert "daemon has no second factor" in command(tmp_path, "totp", "remove", "daemon", status=2)


def test_a_user_that_the_system_does_not_have_is_none(tmp_path: Path) -> None:
    told = command(tmp_path, "totp", "enroll", "no-such-user", status=2)
    assert told == "libvirt-webrtc: this system has no user no-such-user\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: run tests/run.sh as root")
def test_what_root_writes_is_the_services_and_never_elsewhere(open_folder: Path) -> None:
    """Where the service was taken over, a link in its folder does not make root write somewhere else."""
    state = open_folder / "state"
    state.mkdir(mode=0o755)
    os.chown(state, SERVICE, SERVICE)
    command(state, "totp", "enroll", "daemon")
    found = (state / FILE_NAME).stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (SERVICE, 0o600)

    victim = open_folder / "victim"
    victim.write_text('{"version": 1, "users": {}}')
    (state / FILE_NAME).unlink()
    (state / FILE_NAME).symlink_to(victim)
    command(state, "totp", "enroll", "daemon", status=2)
    assert victim.read_text() == '{"version": 1, "users": {}}'


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: run tests/run.sh as root")
def test_the_pam_helper_says_what_it_needs(tmp_path: Path) -> None:
    nobody = ("setpriv", "--reuid", "65534", "--clear-groups")
    told = command(tmp_path, "pam-helper", "--socket", str(tmp_path / "s"), status=2, prefix=nobody)
    assert "run the PAM helper as root" in told
    if not Path("/etc/pam.d/libvirt-webrtc").exists():
        told = command(tmp_path, "pam-helper", "--socket", str(tmp_path / "s"), status=2)
        assert "copy examples/pam.d/libvirt-webrtc there" in told
