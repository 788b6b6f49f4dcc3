"""The certificate that is made where the operator gives none: signed by nobody, so people compare its fingerprint."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from libvirt_webrtc.config.state_files import write_whole
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.tls.certificate import ServerCertificate, read_certificate
from libvirt_webrtc.portal.tls.machine_names import machine_addresses, machine_names

log = logging.getLogger(__name__)

CERTIFICATE_FILE, KEY_FILE = "certificate.pem", "key.pem"

LIFE = timedelta(days=397)
"""Browsers take no longer ones of a public authority; some hold everybody to that."""
RENEW_BEFORE = timedelta(days=30)
EARLIER = timedelta(days=1)
"""It is valid from this long ago on, for machines whose clock is late."""

MAX_ADDRESSES = 100
"""A machine may have thousands, of containers for instance."""


def keep_made(folder: Path, hosts: Iterable[str], now: datetime) -> None:
    """Have a certificate in ``folder`` that is for this machine and does not end soon: make it, or renew it. Blocking.

    ``hosts`` are further names and addresses that it must be for.

    The key stays the same. Addresses that the machine gets are in the next certificate: each new one has another
    fingerprint, and people would have to compare it again.

    Raises:
        ConfigError: the files cannot be written.
    """
    needed = machine_names() | {_normal(host) for host in hosts}
    why = _why_new(folder, needed, now)
    if why is None:
        return
    addresses = map(str, machine_addresses()[:MAX_ADDRESSES])
    names = {*needed, *addresses, "localhost", "127.0.0.1", "::1"}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = _key(folder / KEY_FILE)
        made = _sign(key, names, now)
        write_whole(folder / CERTIFICATE_FILE, made.public_bytes(Encoding.PEM).decode("ascii"))
    except OSError as error:
        raise ConfigError(
            f"a certificate cannot be kept in {folder}: {error.strerror}; let the service's user write there, or set "
            "tls.certificate and tls.key"
        ) from error
    log.warning("made a certificate in %s, since %s; people have to compare its fingerprint", folder, why)


def _why_new(folder: Path, needed: Iterable[str], now: datetime) -> str | None:
    """Why a new certificate is needed; None: it is not."""
    path = folder / CERTIFICATE_FILE
    if not path.exists():
        return "there was none"
    try:
        present: ServerCertificate = read_certificate(path, folder / KEY_FILE)
    except ConfigError as error:
        return str(error)
    if lacking := sorted(set(needed) - present.names):
        return f"the one before was not for {', '.join(lacking)}"
    if now >= present.ends - RENEW_BEFORE:
        return f"the one before ends at {present.ends:%Y-%m-%d}"
    if now < present.begins:
        return "the one before is not valid yet"
    return None


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key of the certificates before, or a new one. Raises OSError."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        key = load_pem_private_key(path.read_bytes(), None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            path.chmod(0o600)
            return key
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_whole(path, pem.decode("ascii"))
    return key


def _sign(key: ec.EllipticCurvePrivateKey, names: set[str], now: datetime) -> x509.Certificate:
    hosts = sorted(name for name in names if not _is_address(name))
    addresses = sorted(name for name in names if _is_address(name))
    title = next((host for host in hosts if host != "localhost"), "localhost")
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "libvirt-webrtc"),
            x509.NameAttribute(NameOID.COMMON_NAME, title[:64]),
        ]
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    alternatives: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
    alternatives += [x509.IPAddress(ip_address(address)) for address in addresses]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now - EARLIER + LIFE)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
        .sign(key, SHA256())
    )


def _normal(host: str) -> str:
    """As a certificate gives it back."""
    bare = host.partition("%")[0].lower()
    return str(ip_address(bare)) if _is_address(bare) else bare


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
