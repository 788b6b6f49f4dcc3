"""The operator's certificate and key: what is wrong with them is told at the start, with what to do."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.tls.certificate import context_of, read_certificate
from tests.support.certificates import NAMES, Authority, Pair

NOW = datetime.now(UTC)


def test_a_pair_is_read_with_its_names_and_its_end(authority: Authority) -> None:
    pair = authority.sign(("Portal.Example.org", "2001:DB8::1"), begins=NOW, lasts=timedelta(days=9))
    read = read_certificate(pair.certificate, pair.key)
    assert read.names == {"portal.example.org", "2001:db8::1"}
    assert read.ends == (NOW + timedelta(days=9)).replace(microsecond=0)
    assert read.trouble(NOW + timedelta(days=1)) is None
    assert "ended at" in (read.trouble(NOW + timedelta(days=10)) or "")
    assert "is the clock right" in (read.trouble(NOW - timedelta(days=1)) or "")


def test_a_certificate_for_nobody_is_told(authority: Authority) -> None:
    pair = authority.sign(())
    assert "no subjectAltName" in (read_certificate(pair.certificate, pair.key).trouble(NOW) or "")


def spoil_certificate(pair: Pair, authority: Authority) -> None:
    pair.certificate.write_text(pair.certificate.read_text()[:200])


def spoil_key(pair: Pair, authority: Authority) -> None:
    pair.key.write_text(pair.key.read_text()[:100])


def of_another(pair: Pair, authority: Authority) -> None:
    authority.sign().key.rename(pair.key)


def with_passphrase(pair: Pair, authority: Authority) -> None:
    pair.replace_by(authority.sign(passphrase=b"secret"))


def readable(pair: Pair, authority: Authority) -> None:
    pair.key.chmod(0o644)


def replaced(old: bytes, new: bytes) -> Callable[[Pair, Authority], None]:
    """Makes one object identifier of the certificate into another one."""

    def change(pair: Pair, authority: Authority) -> None:
        content = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
        assert content.count(old) == 1
        pair.certificate.write_text(ssl.DER_cert_to_PEM_cert(content.replace(old, new)))

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda pair, _: pair.certificate.unlink(), r"tls\.certificate .* cannot be read: No such file"),
        (lambda pair, _: pair.key.unlink(), r"tls\.key .* cannot be read: No such file"),
        (spoil_certificate, "holds no certificate in PEM form"),
        (lambda pair, _: pair.certificate.write_text(""), "holds no certificate in PEM form"),
        (spoil_key, "holds no private key in PEM form"),
        (of_another, r"is not the key of tls\.certificate"),
        (with_passphrase, "has a passphrase: openssl pkey -in"),
        (
            replaced(b"\x2a\x86\x48\xce\x3d\x02\x01", b"\x2a\x86\x48\xce\x3d\x02\x09"),
            "cannot be used: .*key type",
        ),
        (replaced(b"\x06\x03\x55\x1d\x0e", b"\x06\x03\x55\x1d\x11"), "cannot be used: Duplicate"),
        (readable, r"can be read by others: chmod o= "),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_do(
    authority: Authority, pair: Pair, change: Callable[[Pair, Authority], None], says: str
) -> None:
    change(pair, authority)
    with pytest.raises(ConfigError, match=says):
        read_certificate(pair.certificate, pair.key)


def test_a_group_may_read_the_key(pair: Pair) -> None:
    pair.key.chmod(0o640)
    assert read_certificate(pair.certificate, pair.key).names == set(NAMES)


def test_a_key_that_is_too_short_is_refused(authority: Authority) -> None:
    pair = authority.sign(key=rsa.generate_private_key(65537, 1024))
    with pytest.raises(ConfigError, match="(?i)cannot be used: .*key too small"):
        context_of(read_certificate(pair.certificate, pair.key))


def test_a_folder_is_no_certificate(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_certificate(tmp_path, pair.key)
