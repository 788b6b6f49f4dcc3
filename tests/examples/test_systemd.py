"""The units in examples/systemd: correct, tight, and not too tight for the program."""

import grp
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.whep import play_to_the_end
from tests.support.guests import GuestFactory, on_private_bus
from tests.support.portal import Portal
from tests.support.waiting import wait_until

UNITS = Path(__file__).parents[2] / "examples" / "systemd"
EXPOSURE_LIMIT = 20
"""Tenths; systemd calls up to 2 "OK", and what listens to nobody still has 1."""

NOBODY = 65534


def analyze(*arguments: str) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(params=["libvirt-webrtc", "libvirt-webrtc-pam"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A service, with a program that is there, and the other units beside it."""
    for each in UNITS.iterdir():
        text = each.read_text().replace("/opt/libvirt-webrtc/bin/libvirt-webrtc", "/bin/true")
        (tmp_path / each.name).write_text(text)
    return tmp_path / f"{request.param}.service"


def test_service_is_correct(unit: Path) -> None:
    sockets = map(str, unit.parent.glob(f"{unit.stem}.socket"))
    analyze("verify", "--man=no", "--recursive-errors=no", str(unit), *sockets)


def test_service_is_tight(unit: Path) -> None:
    analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_LIMIT}", str(unit))


@pytest.fixture
def confined_portal(libvirt_uri: str) -> Iterator[Portal]:
    """A portal with the service's rights: its user has the group libvirt, no capability, and gets none."""
    confined = [
        "setpriv",
        *(f"--reuid={NOBODY}", f"--regid={NOBODY}", f"--groups={grp.getgrnam('libvirt').gr_gid}"),
        *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
    ]
    # By a shell: setpriv itself still has root's eyes when it looks for the program.
    prefix = [*confined, "sh", "-c", 'exec "$0" "$@"']
    if subprocess.run(
        [*prefix, sys.executable, "-c", "import libvirt_webrtc"], capture_output=True
    ).returncode:
        pytest.skip("an ordinary user cannot run this Python or read this checkout")
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, NOBODY, NOBODY)
        state = {"LIBVIRT_WEBRTC_STATE_DIR": f"{name}/state", "HOME": name}
        portal = Portal(Path(name), libvirt_uri, state, prefix=prefix, owner=NOBODY)
        yield portal
        portal.close()
        print(portal.log.read_text())


@pytest.mark.libvirt
async def test_service_needs_no_more_than_its_rights(
    make_guest: GuestFactory, confined_portal: Portal
) -> None:
    await play_to_the_end(confined_portal, make_guest(), "H264")


@pytest.mark.libvirt
def test_service_says_why_it_cannot_enter_a_private_bus(
    make_guest: GuestFactory, confined_portal: Portal
) -> None:
    guest = make_guest(display=False, edit=on_private_bus)

    def told() -> str | None:
        domain = confined_portal.domain(guest.uuid)
        return domain["console"]["reason"] if domain is not None and domain["state"] == "running" else None

    reason = wait_until(told, "the list says why the running guest has no console")
    assert "lets in only libvirt-qemu and root, and this program runs as nobody" in reason
    assert "p2p='yes'" in reason and f"virsh edit {guest.name}" in reason
