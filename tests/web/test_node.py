"""The tests of pure JavaScript, which Node runs: tests/web/js. They are one test here, which shows their output."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "js"
TIMEOUT_S = 120


def test_javascript_passes_its_own_tests() -> None:
    """Debian 12's Node (18) is enough, without packages of npm's."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node: apt-get install --no-install-recommends nodejs, or run tests/run.sh as root")
    # Not the folder: what that means to --test differs by Node's version.
    files = sorted(str(path) for path in FOLDER.rglob("*.test.js"))
    assert files
    done = subprocess.run(
        [node, "--test", *files], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
