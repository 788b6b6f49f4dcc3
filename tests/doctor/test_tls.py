"""What doctor says of the portal's certificate, and of plain HTTP."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import STATE_VARIABLE, Config
from libvirt_webrtc.config.tls import TlsConfig
from libvirt_webrtc.doctor.tls import check_tls
from libvirt_webrtc.hook.check import Level
from libvirt_webrtc.portal.tls.portal_certificate import PortalCertificate
from tests.support.certificates import Authority, Pair

OUTSIDE = ListenAddress("0.0.0.0", 8443)


def own(pair: Pair) -> Config:
    return Config(listen=OUTSIDE, tls=TlsConfig(pair.certificate, pair.key))


def test_on_loopback_it_says_how_to_come_in() -> None:
    finding = check_tls(Config(listen=ListenAddress(port=8443)))
    assert finding.level is Level.OK and "ssh -L 8443:127.0.0.1:8443" in finding.text


def test_plain_http_elsewhere_is_said_loudly() -> None:
    finding = check_tls(Config(listen=OUTSIDE, insecure=True))
    assert finding.level is Level.WARNING and finding.text.startswith("INSECURE: plain HTTP at 0.0.0.0:8443")


def test_a_made_certificate_is_shown_with_the_fingerprint_that_openssl_prints(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    config = Config(listen=OUTSIDE)
    finding = check_tls(config)
    assert finding.level is Level.OK and "made at the first start" in finding.text
    PortalCertificate(config)
    finding = check_tls(config)
    path = tmp_path / "tls" / "certificate.pem"
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", str(path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert finding.level is Level.OK and printed.strip().partition("=")[2] in finding.text


def test_the_end_of_ones_own_certificate_is_told(tmp_path: Path) -> None:
    authority, now = Authority(tmp_path), datetime.now(UTC)
    for lasts, level, says in (
        (timedelta(days=60), Level.OK, "your own certificate, until"),
        (timedelta(days=13), Level.WARNING, "your own certificate, until"),
        (timedelta(seconds=-1), Level.PROBLEM, "browsers refuse it"),
    ):
        begins = now - timedelta(days=1)
        finding = check_tls(own(authority.sign(begins=begins, lasts=lasts + timedelta(days=1))))
        assert finding.level is level and says in finding.text


def test_a_pair_that_cannot_be_used_is_a_problem(tmp_path: Path) -> None:
    pair = Authority(tmp_path).sign()
    pair.key.chmod(0o644)
    finding = check_tls(own(pair))
    assert finding.level is Level.PROBLEM and "chmod o=" in finding.text
