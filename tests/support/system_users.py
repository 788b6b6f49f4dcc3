"""Users of the system, PAM's rules and a PAM helper, all real: in the private world, whose /etc is a copy."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from libvirt_webrtc.pam.helper import RULES
from tests.support.libvirtd import in_private_world
from tests.support.waiting import wait_until

EXAMPLE = Path(__file__).parents[2] / "examples/pam.d/libvirt-webrtc"
PASSWORD = "correct horse: ü"
"""Of every user here."""


@contextmanager
def system_user(name: str, *groups: str) -> Iterator[str]:
    """A user with ``PASSWORD`` who is in ``groups``, which are made as well. Skips the test elsewhere."""
    if not in_private_world() or os.geteuid() != 0:
        pytest.skip("makes users of the system: run tests/run.sh as root")
    made: list[list[str]] = []
    try:
        for group in groups:
            run("groupadd", group)
            made.append(["groupdel", group])
        run("useradd", "--no-create-home", "--shell", "/bin/sh", "--groups", ",".join(groups), name)
        made.append(["userdel", name])
        run("chpasswd", stdin=f"{name}:{PASSWORD}\n")
        yield name
    finally:
        for command in reversed(made):
            run(*command)


@contextmanager
def pam_helper(folder: Path, *arguments: str) -> Iterator[Path]:
    """``libvirt-webrtc pam-helper`` with the rules of examples/pam.d; its socket. The log is ``pam-helper.log``."""
    if not in_private_world() or os.geteuid() != 0:
        pytest.skip("writes PAM's rules: run tests/run.sh as root")
    path = folder / "pam.sock"
    shutil.copy(EXAMPLE, RULES[0])
    command = [sys.executable, "-m", "libvirt_webrtc", "pam-helper", "--socket", str(path), *arguments]
    try:
        with (folder / "pam-helper.log").open("ab") as log, subprocess.Popen(command, stderr=log) as process:
            try:
                wait_until(lambda: _listens(path), "the PAM helper listens")
                yield path
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0
    finally:
        RULES[0].unlink(missing_ok=True)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def run(*command: str, stdin: str = "") -> None:
    """Raises CalledProcessError, with what the command printed."""
    subprocess.run(command, input=stdin, text=True, check=True, capture_output=True, timeout=60)
