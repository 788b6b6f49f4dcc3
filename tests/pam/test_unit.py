"""The helper as systemd starts it: by its socket, and with the rights of the unit in examples/systemd."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from libvirt_webrtc.pam.client import ask_helper
from libvirt_webrtc.pam.helper import RULES
from libvirt_webrtc.pam.protocol import Verdict
from tests.support.system_users import EXAMPLE, PASSWORD, system_user
from tests.support.waiting import wait_until

UNIT = Path(__file__).parents[2] / "examples/systemd/libvirt-webrtc-pam.service"


@pytest.fixture
def carol() -> Iterator[str]:
    with system_user("lvw-carol") as name:
        yield name


@pytest.fixture
def activated(tmp_path: Path, carol: str) -> Iterator[Path]:
    """A socket that starts the helper at the first connection."""
    activate = shutil.which("systemd-socket-activate")
    if activate is None:
        pytest.skip("systemd-socket-activate is not installed")
    found = re.search("^CapabilityBoundingSet=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert found is not None
    capabilities = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in found[1].split())
    path = tmp_path / "pam.sock"
    command = [activate, "--listen", str(path), "setpriv", f"--bounding-set=-all,{capabilities}"]
    command += ["--no-new-privs", sys.executable, "-m", "libvirt_webrtc", "pam-helper", "--user", "daemon"]
    shutil.copy(EXAMPLE, RULES[0])
    with subprocess.Popen(command, env={"PATH": os.environ["PATH"]}) as process:
        wait_until(path.is_socket, "the socket is there")
        yield path
        process.terminate()
        process.wait(10)
    RULES[0].unlink()


async def test_it_needs_no_more_than_the_units_rights(activated: Path, carol: str) -> None:
    assert (await ask_helper(activated, carol, PASSWORD)).verdict is Verdict.YES
