"""Another user of this machine, an attacker of docs/security.md: what it finds of a service that runs here."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from libvirt_webrtc.portal.auth.cookie import KEY_HEADER
from tests.support.portal import Portal
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: run tests/run.sh as root")

URI = "qemu+unix:///system?socket=/nonexistent"
"""Nobody answers there: what is tested here needs no libvirt."""
NOBODY = 65534
CREDENTIAL = "the-credential-of-the-turn-server"
WRONG = "a-wrong-token-of-somebody"

LOOK = r"""
import json, socket, sys

asked = json.load(sys.stdin)
read, refused, joined = {}, [], []
for path in asked["files"]:
    try:
        with open(path, "rb") as file:
            read[path] = file.read(1 << 20).decode("latin-1")
    except OSError:
        refused.append(path)
for address in asked["sockets"]:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect("\0" + address[1:] if address.startswith("@") else address)
            joined.append(address)
        except OSError:
            pass
json.dump({"read": read, "refused": refused, "joined": joined}, sys.stdout)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where everybody may look, as below /var/lib: pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    (folder / "tmp").mkdir(mode=0o755)
    return {
        "LIBVIRT_WEBRTC_STATE_DIR": str(folder / "state"),
        "TMPDIR": str(folder / "tmp"),
        "QEMU_WEBRTC_TURN_HOST": "192.0.2.1",
        "QEMU_WEBRTC_TURN_CREDENTIAL": CREDENTIAL,
    }


@pytest.fixture
def portal(folder: Path, environment: dict[str, str]) -> Iterator[Portal]:
    portal = Portal(folder, URI, environment)
    try:
        yield portal
    finally:
        portal.close()


def family(pid: int) -> list[int]:
    """A process, and all that it and they started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has ended
                continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def listening_sockets(pids: list[int]) -> list[str]:
    """The addresses of the Unix sockets at which these processes listen."""
    links = []
    for pid in pids:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                links.append(os.readlink(fd))
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return [row[7] for row in rows if len(row) > 7 and row[3] == "00010000" and f"socket:[{row[6]}]" in links]


def sign_in(portal: Portal) -> list[str]:
    """A new session's two secrets."""
    body = json.dumps({"token": portal.token}).encode()
    request = urllib.request.Request(f"{portal.own}/api/session", body, {"Origin": portal.own})
    with urllib.request.urlopen(request, timeout=30) as response:
        cookie = response.headers["Set-Cookie"].partition(";")[0]
        key = json.load(response)["key"]
    asked = urllib.request.Request(f"{portal.own}/api/domains", headers={"Cookie": cookie, KEY_HEADER: key})
    with urllib.request.urlopen(asked, timeout=30) as response:
        assert response.status == 200
    return [cookie.partition("=")[2], key]


def make_token(environment: dict[str, str]) -> str:
    """A new API token."""
    command = [sys.executable, "-m", "libvirt_webrtc", "token", "create", "ci", "--domain", "*"]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_another_user_of_the_machine_reads_no_secret_and_joins_no_socket(
    portal: Portal, folder: Path, environment: dict[str, str]
) -> None:
    secrets = [portal.token, CREDENTIAL, WRONG, *sign_in(portal), make_token(environment)]
    wrong = urllib.request.Request(f"{portal.own}/api/domains", headers={"Authorization": f"Bearer {WRONG}"})
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(wrong, timeout=30)

    # The fork server's, which comes a moment after the portal.
    sockets = wait_until(lambda: listening_sockets(family(portal.process.pid)), "the fork server listens")
    pids = family(portal.process.pid)
    files = [str(path) for path in folder.rglob("*") if path.is_file()]
    files += [f"/proc/{pid}/{name}" for pid in pids for name in ("cmdline", "environ", "maps", "mem")]
    asked = {"files": files, "sockets": sockets}
    looked = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", LOOK],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
    )
    assert looked.returncode == 0, looked.stderr
    seen = json.loads(looked.stdout)
    assert seen["joined"] == []
    told = {path for path, text in seen["read"].items() if any(secret in text for secret in secrets)}
    assert told == set()
    # It could look at all: what everybody may read was read.
    assert {str(portal.log), f"/proc/{portal.process.pid}/cmdline"} <= set(seen["read"])
    closed = {str(Path(path).relative_to(folder)) for path in seen["refused"] if path.startswith(str(folder))}
    assert {"state/api-tokens.json", f"state/sessions/{portal.own.removeprefix('http://')}.json"} <= closed
    for pid in pids:
        assert {f"/proc/{pid}/environ", f"/proc/{pid}/mem"} <= set(seen["refused"])
