"""A certificate and its key, as files have them: read, checked, and made into what connections use."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from libvirt_webrtc.errors import ConfigError

_FORM = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption only. Those of TLS 1.3 are all of that kind."""

_UNUSABLE = (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion)
"""What asking a certificate for something can raise; some of it only then, and not when it is read."""

FILE_LIMIT = 1024 * 1024
"""Bytes of a file that are read."""


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What there is to know of a certificate that can be served."""

    certificate: Path
    key: Path
    fingerprint: str
    """SHA-256, as ``openssl x509 -fingerprint -sha256`` and browsers write it: ``AB:CD:...``."""
    names: frozenset[str]
    """The host names and addresses that it is for, in lower case; ``*.example.org`` for all below."""
    begins: datetime
    ends: datetime

    def trouble(self, now: datetime) -> str | None:
        """Why browsers refuse it, in a sentence; None: for nothing that can be told here."""
        if now >= self.ends:
            return f"the certificate {self.certificate} ended at {self.ends:%Y-%m-%d %H:%M} UTC: browsers refuse it"
        if now < self.begins:
            return f"the certificate {self.certificate} begins at {self.begins:%Y-%m-%d %H:%M} UTC: is the clock right?"
        if not self.names:
            return f"the certificate {self.certificate} has no subjectAltName: browsers take it for no host"
        return None


def read_certificate(certificate: Path, key: Path) -> ServerCertificate:
    """Read and check both files. Blocking.

    Raises:
        ConfigError: one of them cannot be used, others can read the key, or the two do not belong together.
    """
    try:
        first = x509.load_pem_x509_certificates(_read(certificate, "certificate"))[0]
        public = first.public_key().public_bytes(*_FORM)
        names = _names(first)
    except _UNUSABLE as error:
        text = f"tls.certificate {certificate} holds no certificate in PEM form, or one that cannot be used"
        raise ConfigError(f"{text}: {error}") from error
    try:
        if key.stat().st_mode & 0o007:
            raise ConfigError(f"tls.key {key} can be read by others: chmod o= {key}")
        private = load_pem_private_key(_read(key, "key"), None)
    except TypeError as error:
        raise ConfigError(
            f"tls.key {key} has a passphrase: openssl pkey -in {key} -out FILE writes it without"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"tls.key {key} holds no private key in PEM form") from error
    except OSError as error:
        raise ConfigError(f"tls.key {key} cannot be read: {error.strerror}") from error
    if private.public_key().public_bytes(*_FORM) != public:
        raise ConfigError(
            f"tls.key {key} is not the key of tls.certificate {certificate} (its first certificate counts)"
        )
    return ServerCertificate(
        certificate,
        key,
        first.fingerprint(SHA256()).hex(":").upper(),
        names,
        first.not_valid_before_utc,
        first.not_valid_after_utc,
    )


def context_of(certificate: ServerCertificate) -> ssl.SSLContext:
    """What a connection begins TLS with: 1.2 or 1.3, and HTTP/1.1 inside. Blocking.

    Raises:
        ConfigError: OpenSSL does not take the files, because the key is too short for instance.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate.certificate, certificate.key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"tls.certificate {certificate.certificate} cannot be used: {error}") from error
    return context


def utc_now() -> datetime:
    """The present time; a clock that tests replace."""
    return datetime.now(UTC)


def _read(path: Path, setting: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_LIMIT)
    except OSError as error:
        raise ConfigError(f"tls.{setting} {path} cannot be read: {error.strerror}") from error


def _names(certificate: x509.Certificate) -> frozenset[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return frozenset()
    hosts = (name.lower() for name in names.get_values_for_type(x509.DNSName))
    return frozenset({*hosts, *map(str, names.get_values_for_type(x509.IPAddress))})
