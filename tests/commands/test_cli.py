"""The command line as a process: what it prints, where, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

from libvirt_webrtc import __version__

XML = """<?xml version='1.0'?>
<domain type='qemu'>\r
  <name>dömäin</name>
  <devices>
    <graphics type='vnc'/>
  </devices>
</domain>
"""
UNREACHABLE = "qemu+unix:///system?socket=/nonexistent"


def run(
    *arguments: str, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "libvirt_webrtc", *arguments],
        input=stdin,
        capture_output=True,
        timeout=60,
        env={**os.environ, **(environment or {})},
    )


def complaint(done: subprocess.CompletedProcess[bytes], status: int) -> str:
    """What a failed command said: one line, on standard error, and nothing else."""
    text = done.stderr.decode()
    assert (done.returncode, done.stdout) == (status, b""), text
    assert "Traceback" not in text
    assert text.startswith("libvirt-webrtc: ") and text.count("\n") == 1, text
    return text


def canonical(xml: bytes) -> bytes:
    return bytes(etree.tostring(etree.fromstring(xml), method="c14n"))


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout.decode()) == (0, f"libvirt-webrtc {__version__}\n")


@pytest.mark.parametrize("arguments", [[], ["xml"], ["nothing"], ["enable"], ["xml", "add", "--gl", "maybe"]])
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and b"usage:" in done.stderr and not done.stdout


@pytest.mark.parametrize("environment", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_xml_filters_undo_each_other_in_any_locale(environment: dict[str, str]) -> None:
    added = run("xml", "add", stdin=XML.encode(), environment=environment)
    assert added.returncode == 0 and b'type="dbus"' in added.stdout.replace(b"'", b'"'), added.stderr
    shown = run("xml", "show", "--json", stdin=added.stdout, environment=environment)
    assert json.loads(shown.stdout) == {
        "index": 1,
        "p2p": True,
        "address": None,
        "gl": False,
        "ours": True,
        "render_node": None,
    }
    assert b"p2p, gl off, added by libvirt-webrtc" in run("xml", "show", stdin=added.stdout).stdout
    removed = run("xml", "remove", stdin=added.stdout, environment=environment)
    assert canonical(removed.stdout) == canonical(XML.encode())
    assert added.stderr == shown.stderr == removed.stderr == b""


def test_xml_show_without_a_display() -> None:
    assert run("xml", "show", stdin=XML.encode()).stdout == b"no D-Bus display\n"
    assert json.loads(run("xml", "show", "--json", stdin=XML.encode()).stdout) is None


@pytest.mark.parametrize("command", ["add", "remove", "show"])
@pytest.mark.parametrize(
    "stdin",
    [b"", b"not xml", b"<domain>", b"\xff\xfe\x00", bytes(range(256)), b"<network/>", b"\xed\xa0\x80"],
)
def test_what_is_no_domain_is_one_line_and_status_1(command: str, stdin: bytes) -> None:
    complaint(run("xml", command, stdin=stdin), 1)


def test_output_that_nobody_reads_is_no_traceback() -> None:
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        [sys.executable, "-m", "libvirt_webrtc", "xml", "add"],
        stdin=subprocess.PIPE,
        stdout=write,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(write)
        _, said = process.communicate(XML.encode(), timeout=60)
    assert (process.returncode, said) == (1, b"")


def test_list_of_an_unreachable_libvirt_says_why_once() -> None:
    done = run("list", "--json", "--uri", UNREACHABLE)
    assert done.returncode == 1
    listed = json.loads(done.stdout)
    assert listed["domains"] == [] and listed["libvirt"]["connected"] is False
    assert done.stderr.decode() == f"libvirt-webrtc: {listed['libvirt']['problem']}\n"


def test_enable_without_libvirt_is_status_1() -> None:
    complaint(run("enable", "demo", "--uri", UNREACHABLE), 1)


def test_settings_that_cannot_be_used_are_status_2(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("port = 8080\n")
    assert "unknown setting 'port'" in complaint(run("list", "--config", str(settings)), 2)
    assert "cannot read" in complaint(run("list", "--config", str(tmp_path / "none.toml")), 2)


def test_serve_refuses_a_certificate_that_it_cannot_use(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('[tls]\ncertificate = "/nonexistent/cert.pem"\nkey = "/nonexistent/key.pem"\n')
    done = run("serve", "--config", str(settings), "--listen", "127.0.0.1:0")
    said = done.stderr.decode()
    assert done.returncode == 2 and "Traceback" not in said
    assert "tls.certificate /nonexistent/cert.pem cannot be read: No such file" in said
    assert "exclude each other" in complaint(run("serve", "--config", str(settings), "--insecure"), 2)


def test_serve_refuses_a_token_file_that_it_cannot_use(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_bytes(b"\xff\xfe")
    token.chmod(0o600)
    assert str(token) in complaint(run("serve", "--token-file", str(token)), 2)
    assert "none" in complaint(run("serve", "--token-file", str(tmp_path / "none" / "token")), 2)


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (
            [],
            2,
            "Name its bus with --address unix:path=... or DBUS_SESSION_BUS_ADDRESS, or its monitor with --qmp",
        ),
        (["--address", "tcp:host=localhost,port=1"], 1, "names no Unix socket"),
        (["--listen", "8081", "--qmp", "/x"], 2, "is not HOST:PORT"),
    ],
)
def test_stream_says_what_it_needs(arguments: list[str], status: int, reason: str) -> None:
    done = run("stream", *arguments, environment={"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": ""})
    assert reason in complaint(done, status)


def test_stream_takes_one_place_only() -> None:
    done = run("stream", "--qmp", "/x", "--address", "unix:path=/x")
    assert done.returncode == 2 and b"not allowed with" in done.stderr


@pytest.mark.parametrize(
    "command", [["list"], ["show", "d"], ["enable", "d"], ["disable", "d"], ["attach", "d"]]
)
def test_a_driver_without_consoles_is_refused_by_every_command(command: list[str]) -> None:
    told = complaint(run(*command, "--uri", "test:///default"), 2)
    assert "libvirt's test driver has none" in told and "qemu:///system" in told


def test_the_default_uri_is_that_of_the_environment() -> None:
    told = complaint(run("show", "d", environment={"LIBVIRT_DEFAULT_URI": "xen:///system"}), 2)
    assert "xen:///system is refused" in told


def test_doctor_says_why_domains_elsewhere_have_no_consoles() -> None:
    done = run("doctor", "--uri", "qemu+ssh://far.example/system", "--json")
    findings = json.loads(done.stdout)
    (found,) = (each for each in findings if each["subject"] == "libvirt")
    assert found["level"] == "problem" and "consoles need libvirt on this machine" in found["text"]
    assert "uri_default" in found["remedy"]
