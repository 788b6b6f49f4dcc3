"""Where a bench finds libvirt and the demo guests: as root in the tests' private world, else in the user's session."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.support.emulators import EMULATORS_VARIABLE
from tests.support.libvirtd import URI, in_private_world

CHECKOUT = Path(__file__).parents[2]
PRIVATE_WORLD = CHECKOUT / "tests" / "support" / "private_world.sh"
PROGRAMS = ("chromium", "firefox-esr", "qemu-system-x86_64", "virsh")
MODULES = ("playwright", "pytest", "libvirt", "aiortc", "numpy", "PIL")
GUESTS_VARIABLE = "LIBVIRT_WEBRTC_TEST_GUESTS"
"""The same variable as in tests/conftest.py, which cannot be imported before all modules are known to be installed."""


class NotInstalled(RuntimeError):
    """Something that a bench needs is not installed."""


def check_installed() -> None:
    """Raises NotInstalled with everything that is missing."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    missing += [f"Python's {module}" for module in MODULES if find_spec(module) is None]
    if missing:
        raise NotInstalled(
            f"missing: {', '.join(missing)}; run tests/run.sh once as root, "
            "and the bench with the Python of the environment that it makes (.venv/bin/python)"
        )


def guests() -> Path:
    """Return the folder with the demo guests; builds them where needed."""
    if named := os.environ.get(GUESTS_VARIABLE):
        return Path(named)
    script = f'. "{CHECKOUT}/examples/lib/common.sh" && cache_dir'
    cache = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    folder = Path(cache.stdout.strip()) / "guests"
    # A bench's standard output is its figures alone.
    subprocess.run([CHECKOUT / "examples" / "guests" / "build.sh", folder], stdout=sys.stderr, check=True)
    return folder


def libvirt_answers() -> bool:
    """Whether a libvirtd runs already: that of the tests, where a bench runs as one of them."""
    command = ["virsh", "--quiet", "--connect", URI, "uri"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def enter(arguments: list[str]) -> None:
    """Start over in the private world, where this is root outside of it; does not return then."""
    if in_private_world() or os.geteuid() != 0:
        return
    os.environ[GUESTS_VARIABLE] = str(guests())
    os.environ.setdefault(EMULATORS_VARIABLE, shutil.which("qemu-system-x86_64") or "")
    os.execv(PRIVATE_WORLD, [str(PRIVATE_WORLD), sys.executable, "-m", "tests.bench", *arguments])
