"""The start script for a QEMU without libvirt."""

import glob
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SCRIPT = CHECKOUT / "examples" / "bare-qemu.sh"
DEADLINE_S = 180

pytestmark = pytest.mark.skipif(
    Path(sys.prefix) != CHECKOUT / ".venv",
    reason="the script would install the checkout's own environment: run tests/run.sh",
)


@pytest.mark.parametrize("guest", ["baremetal", "linux"])
@pytest.mark.parametrize("options", [[], ["--p2p"]], ids=["bus", "p2p"])
def test_the_guests_picture_comes(guests: Path, options: list[str], guest: str) -> None:
    command = [str(SCRIPT), "--check", "--guest", guest, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("OK: ") and "libvirt-webrtc-bare" in done.stdout


@pytest.mark.parametrize("options", [[], ["--p2p"]], ids=["bus", "p2p"])
def test_ctrl_c_ends_all_that_was_started(guests: Path, options: list[str]) -> None:
    command = [str(SCRIPT), "--guest", "baremetal", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as script:
        assert script.stdout is not None
        for line in script.stdout:
            if "Ctrl-C ends" in line:
                break
        else:
            pytest.fail("the script ended by itself")
        script.send_signal(signal.SIGINT)
        assert script.wait(DEADLINE_S) == 0
    # The fixture looks for processes.


@pytest.mark.skipif(bool(glob.glob("/dev/dri/renderD*")), reason="this machine has a render node")
def test_gl_without_a_render_node_says_so(guests: Path) -> None:
    done = subprocess.run([SCRIPT, "--gl"], capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 1 and "no render node" in done.stderr
