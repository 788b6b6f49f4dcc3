"""A libvirtd that hangs: every command ends, and says what to do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from libvirt_webrtc.domains.libvirt_api import OPEN_S
from tests.support.domains import MakeDomain
from tests.support.libvirtd import PrivateLibvirtd

pytestmark = pytest.mark.libvirt

COMMANDS = (
    ("enable", "d"),
    ("disable", "d"),
    ("show", "d"),
    ("attach", "d"),
    ("list",),
    ("doctor",),
    ("doctor", "d"),
)
LIMIT_S = OPEN_S + 50
"""All of them start at the same time, on a machine that may have one core, and doctor tries more than libvirt."""


@pytest.fixture
def frozen(libvirtd: PrivateLibvirtd) -> Iterator[PrivateLibvirtd]:
    os.kill(libvirtd.pid, signal.SIGSTOP)
    yield libvirtd
    os.kill(libvirtd.pid, signal.SIGCONT)


def test_every_command_ends_and_says_what_to_do(make_domain: MakeDomain, frozen: PrivateLibvirtd) -> None:
    began = time.monotonic()
    running = {
        command: subprocess.Popen(
            [sys.executable, "-m", "libvirt_webrtc", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in COMMANDS
    }
    try:
        for command, process in running.items():
            output, errors = process.communicate(timeout=LIMIT_S - (time.monotonic() - began))
            said = output if command[0] == "doctor" else errors
            assert process.returncode == 1, (command, output, errors)
            assert "does not answer" in said and "Traceback" not in output + errors, (command, said)
            if command[0] != "list":
                assert "systemctl status libvirtd" in said, (command, said)
    finally:
        for process in running.values():
            process.kill()
            process.communicate()
