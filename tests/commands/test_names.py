"""Domains with every kind of name, by all commands, on a real libvirtd."""

import os
import shlex
import subprocess
import sys

import pytest

from libvirt_webrtc.commands.text import columns, visible
from tests.support.domains import VIDEO, VNC, MakeDomain
from tests.support.libvirtd import virsh

pytestmark = pytest.mark.libvirt

NAMES = ("a b", 'it\'s "$HOME" `id`', "100%s %n", "-rf", "--help", "שלום", "東京 1", "gpj\u202eexe", "ä")
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "libvirt_webrtc", *arguments],
        capture_output=True,
        timeout=120,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", **(environment or {})},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def listed() -> dict[str, str]:
    """The lines of the list by the name in them."""
    head, *lines = run("list").stdout.splitlines()
    at = head.index("STATE")
    assert len(lines) == len(NAMES)
    # Every state begins in one column.
    for line in lines:
        end = next(n for n in range(len(line)) if columns(line[:n]) == at)
        assert line[end:].startswith(("shutoff", "running")), line
    return {name: next(line for line in lines if line.startswith(visible(name) + " ")) for name in NAMES}


def test_advice_for_every_name_can_be_followed(make_domain: MakeDomain) -> None:
    for name in NAMES:
        make_domain(name.replace("&", "&amp;"))
    for name, line in listed().items():
        command = shlex.split(line.partition("not enabled: ")[2])
        assert command[:2] == ["libvirt-webrtc", "enable"]
        if name.isprintable():
            assert command[2:] == (["--", name] if name.startswith("-") else [name])
        done = run("enable", "--", name)
        assert (done.returncode, done.stdout) == (0, f"{visible(name)} has a console\n")
        for command_name in ("show", "disable"):
            done = run(command_name, "--", name)
            assert done.returncode == 0 and visible(name) in done.stdout, done.stderr
        done = run("attach", "--", name)
        assert done.returncode == 1 and f"'{visible(name)}' is not running" in done.stderr


def test_no_locale_ends_a_command(make_domain: MakeDomain) -> None:
    uuids = [make_domain(name) for name in ("שלום", "ä")]
    done = run("list", environment=ASCII)
    assert done.returncode == 0 and "\\u05e9" in done.stdout and "\\xe4" in done.stdout
    for uuid in uuids:
        assert run("enable", uuid, environment=ASCII).returncode == 0
        assert run("show", uuid.upper(), environment=ASCII).returncode == 0
    # Bytes that are another locale's.
    assert run("show", "ä", environment=ASCII).returncode in (0, 1)
    done = run("show", "nobody-ä", environment=ASCII)
    assert done.returncode == 1 and "cannot find domain" in done.stderr
    assert virsh("domstate", uuids[0]) == "shut off"


def test_doctor_quotes_what_to_do(make_domain: MakeDomain) -> None:
    make_domain("-a 'b'", VNC + VIDEO)
    done = run("doctor", "--", "-a 'b'")
    (line,) = [line for line in done.stdout.splitlines() if "virt-xml" in line]
    command = line.partition("-> ")[2].partition(" (from")[0]
    assert shlex.split(command)[-2:] == ["--", "-a 'b'"]
