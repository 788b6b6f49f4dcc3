"""The certificate that is made where there is none."""

import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.tls import machine_names, made_certificate
from libvirt_webrtc.portal.tls.certificate import ServerCertificate, context_of, read_certificate
from libvirt_webrtc.portal.tls.made_certificate import LIFE, RENEW_BEFORE, keep_made

NOW = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    names = {"hv1", "hv1.example.org"}
    monkeypatch.setattr(made_certificate, "machine_names", lambda: frozenset(names))
    return names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "tls"


def kept(folder: Path, *hosts: str, now: datetime = NOW) -> ServerCertificate:
    keep_made(folder, hosts, now)
    return read_certificate(folder / "certificate.pem", folder / "key.pem")


def test_it_is_for_the_machines_names_and_addresses_and_its_key_for_its_owner(folder: Path) -> None:
    made = kept(folder, "2001:DB8:0::5", "VM.example.org")
    assert {
        "hv1",
        "hv1.example.org",
        "localhost",
        "127.0.0.1",
        "::1",
        "2001:db8::5",
        "vm.example.org",
    } <= made.names
    assert {str(address) for address in machine_names.machine_addresses()} <= made.names
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    text = subprocess.run(
        ["openssl", "x509", "-noout", "-text", "-in", str(made.certificate)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "NIST CURVE: P-256" in text and "TLS Web Server Authentication" in text and "CA:FALSE" in text
    context_of(made)


def test_openssl_prints_the_same_fingerprint(folder: Path) -> None:
    made = kept(folder)
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", str(made.certificate)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip().partition("=")[2] == made.fingerprint


def test_it_stays_until_a_month_before_its_end_and_the_key_for_ever(folder: Path) -> None:
    first, key = kept(folder), (folder / "key.pem").read_bytes()
    almost = first.ends - RENEW_BEFORE - timedelta(minutes=1)
    assert kept(folder, now=almost).fingerprint == first.fingerprint
    second = kept(folder, now=almost + timedelta(minutes=1))
    assert second.fingerprint != first.fingerprint and second.ends > first.ends
    assert second.ends - second.begins == LIFE
    assert (folder / "key.pem").read_bytes() == key


def test_another_name_or_address_to_listen_on_makes_a_new_one(folder: Path, names: set[str]) -> None:
    first = kept(folder)
    names.add("hv2.example.org")
    second = kept(folder)
    third = kept(folder, "203.0.113.9")
    assert "hv2.example.org" in second.names and "203.0.113.9" in third.names
    assert len({first.fingerprint, second.fingerprint, third.fingerprint}) == 3
    assert kept(folder).fingerprint == third.fingerprint, "fewer names are no reason"


def test_what_is_broken_is_made_anew(folder: Path) -> None:
    first = kept(folder)
    (folder / "key.pem").write_text("")
    second = kept(folder)
    (folder / "certificate.pem").write_text("")
    third = kept(folder)
    (folder / "key.pem").chmod(0o644)
    kept(folder)
    assert len({first.fingerprint, second.fingerprint, third.fingerprint}) == 3
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600


def test_a_clock_that_was_wrong_leaves_no_certificate_of_the_future(folder: Path) -> None:
    first = kept(folder, now=NOW + timedelta(days=200))
    assert kept(folder).fingerprint != first.fingerprint


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigError, match="cannot be kept.*Not a directory.*or set tls.certificate"):
        keep_made(tmp_path / "state" / "tls", [], NOW)


def test_a_name_service_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(*_: object) -> str:
        raise TimeoutError

    monkeypatch.setattr("socket.gethostname", lambda: "HV3.example.org.")
    monkeypatch.setattr(machine_names, "with_limit", hangs)
    assert machine_names.machine_names() == {"hv3.example.org", "hv3"}
    monkeypatch.setattr("socket.gethostname", lambda: "not a name")
    assert machine_names.machine_names() == set()
