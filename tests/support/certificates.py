"""Certificates as an operator has them: signed by an authority of the test's own."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

NAMES = ("portal.example.org", "*.wild.example.org", "127.0.0.1")
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Pair:
    """Two files."""

    certificate: Path
    key: Path

    def table(self) -> str:
        """The settings that name them."""
        return f'[tls]\ncertificate = "{self.certificate}"\nkey = "{self.key}"\n'

    def replace_by(self, other: "Pair") -> None:
        """Put the other one's files in the place of these, each whole."""
        os.replace(other.key, self.key)
        os.replace(other.certificate, self.certificate)


_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Signs certificates; ``root`` is the file to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests' authority")])
        self.root = folder / "root.pem"
        builder = self._builder(self._name, self._key.public_key(), datetime.now(UTC), YEAR)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_SIGNS, critical=True)
        self.root.write_bytes(builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        self._number = 0

    def sign(
        self,
        names: tuple[str, ...] = NAMES,
        *,
        begins: datetime | None = None,
        lasts: timedelta = YEAR,
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
        passphrase: bytes | None = None,
    ) -> Pair:
        """A new pair of files."""
        self._number += 1
        key = key or ec.generate_private_key(ec.SECP256R1())
        begins = begins or datetime.now(UTC) - timedelta(days=1)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"number {self._number}")])
        builder = self._builder(subject, key.public_key(), begins, lasts)
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
            )
        pair = Pair(self._folder / f"{self._number}.pem", self._folder / f"{self._number}.key")
        pair.certificate.write_bytes(builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        locked = BestAvailableEncryption(passphrase) if passphrase is not None else NoEncryption()
        pair.key.touch(mode=0o600)
        pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
        return pair

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
        begins: datetime,
        lasts: timedelta,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + lasts)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            # Python 3.13 wants it of whoever signed the certificate.
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
