"""``enable``, ``disable``, ``show`` and ``list`` as processes on a real libvirtd."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from libvirt_webrtc.config.load import STATE_VARIABLE
from tests.support.domain_xml import find_dbus_display
from tests.support.domains import DBUS, VIDEO, VNC, MakeDomain
from tests.support.guests import define
from tests.support.libvirtd import virsh

pytestmark = pytest.mark.libvirt

SECRET_VNC = VNC.replace("/>", " passwd='secret'/>")


def run(*arguments: str, status: int = 0, environment: dict[str, str] | None = None) -> str:
    """What a command says, on standard output, or where it fails on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "libvirt_webrtc", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if status == 0 else done.stderr


def show(name: str, *arguments: str) -> dict[str, object]:
    shown: dict[str, object] = json.loads(run("show", name, "--json", *arguments))
    return shown


@pytest.fixture
def policy_all(tmp_path: Path) -> str:
    path = tmp_path / "settings.toml"
    path.write_text('auto_enable = "all"\n')
    return str(path)


def test_enable_and_disable_say_what_they_did(make_domain: MakeDomain) -> None:
    uuid = make_domain("d")
    assert run("enable", "d") == "d has a console\n"
    assert run("enable", "d") == "d already has a console\n"
    virsh("start", uuid)
    assert run("disable", "d") == "d has no console from the next start on: shut it down and start it again\n"
    assert run("disable", "d") == "d has no console, and gets none by itself\n"
    assert show("d")["settings"] == {"enabled": False, "gl": None, "tags": [], "problem": None}


def test_show_tells_all_of_a_domain(make_domain: MakeDomain, policy_all: str) -> None:
    uuid = make_domain("d")
    found = show("d", "--config", policy_all)
    gl, policy = found.pop("gl"), found["policy"]
    assert isinstance(gl, dict) and gl["on"] is False  # why so, depends on the machine
    assert isinstance(policy, dict) and policy.pop("renders") in (True, False)
    assert found == {
        "uuid": uuid,
        "name": "d",
        "running": False,
        "persistent": True,
        "managed_save": False,
        "display": None,
        "next_display": None,
        "settings": {"enabled": None, "gl": None, "tags": [], "problem": None},
        "policy": {"auto_enable": "all", "gl": "auto"},
        "decision": {
            "changed": True,
            "wanted": True,
            "display": True,
            "reason": "the policy is auto_enable=all",
        },
        "restart_needed": False,
    }
    virsh("start", uuid)
    run("enable", "d")
    before, _, rest = run("show", "d").partition("gl          off: ")
    assert before + rest.partition("\n")[2] == (
        f"domain      d ({uuid}), running\n"
        "now         no D-Bus display\n"
        "next start  D-Bus display, p2p, gl off, added by libvirt-webrtc, graphics 1\n"
        "settings    enabled: yes, gl: not said\n"
        "policy      auto_enable=tagged, gl=auto\n"
        "plan        nothing to change: its settings say enabled=yes\n"
        "restart     needed: shut it down and start it again, or keep it running: libvirt-webrtc attach d\n"
    )


def test_show_tells_why_not(make_domain: MakeDomain, policy_all: str) -> None:
    make_domain("sdl", "<graphics type='sdl'/>" + VIDEO)
    assert (
        "plan        nothing to change: the D-Bus display would take the place of <graphics type='sdl'>"
        in run("show", "sdl", "--config", policy_all)
    )
    transient = make_domain("t", transient=True)
    said = run("show", transient, "--config", policy_all)
    assert "next start  transient: there is none" in said and "xml add" in said
    uuid = make_domain("deleted")
    run("enable", uuid)
    define(virsh("dumpxml", "--inactive", uuid).replace(DBUS, ""))
    assert "deleted by hand" in run("show", uuid)
    assert "deleted by hand" in run("list", "--config", policy_all)
    assert "cannot find domain 'nobody'" in run("show", "nobody", status=1)


def test_replacing_graphics_keeps_the_definition_for_its_owner(
    make_domain: MakeDomain, tmp_path: Path
) -> None:
    uuid = make_domain("d", SECRET_VNC + VIDEO)
    before = virsh("dumpxml", "--inactive", "--security-info", uuid)
    assert "goes with --gl on" in run("enable", "d", "--replace-graphics", status=2)
    assert "--replace-graphics" in run("enable", "d", "--gl", "on", status=1)
    assert virsh("dumpxml", "--inactive", "--security-info", uuid) == before

    nowhere = tmp_path / "file"
    nowhere.touch()
    arguments = ("enable", "d", "--gl", "on", "--replace-graphics")
    assert "nothing was changed" in run(*arguments, status=2, environment={STATE_VARIABLE: str(nowhere)})
    assert virsh("dumpxml", "--inactive", "--security-info", uuid) == before

    said = run(*arguments, environment={STATE_VARIABLE: str(tmp_path / "state")})
    kept = Path(said.splitlines()[0].rpartition(" ")[2])
    assert kept.read_text().strip() == before
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    after = virsh("dumpxml", "--inactive", "--security-info", uuid)
    display = find_dbus_display(after)
    assert display is not None and display.gl and "'vnc'" not in after


def test_where_a_domain_was_looked_for_is_told() -> None:
    assert "cannot find domain 'nobody' at qemu:///system" in run("show", "nobody", status=1)
    done = subprocess.run(
        [sys.executable, "-m", "libvirt_webrtc", "list"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "libvirt at qemu:///system has no domains\n"
