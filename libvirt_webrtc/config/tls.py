"""The operator's own certificate, and where there may be none."""

from dataclasses import dataclass
from pathlib import Path

from libvirt_webrtc.errors import ConfigError


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """The ``[tls]`` table: both are given, or neither."""

    certificate: Path | None = None
    """PEM: the portal's certificate, then those that lead to a root. None: one is made, where TLS is needed."""
    key: Path | None = None
    """PEM: its private key."""


def tls_from_table(value: object, where: str) -> TlsConfig:
    """The ``[tls]`` table of the file; ``where`` says where it stands.

    Raises:
        ConfigError: says what to write.
    """
    if not isinstance(value, dict) or not value.keys() <= {"certificate", "key"}:
        raise ConfigError(f"{where} must be a table with 'certificate' and 'key'")
    for name in ("certificate", "key"):
        if name not in value:
            other = "key" if name == "certificate" else "certificate"
            raise ConfigError(f"{where}.{name} is missing: write both, or leave out {where}.{other} as well")
        if not isinstance(value[name], str) or not value[name].startswith("/"):
            raise ConfigError(f"{where}.{name} must be an absolute path of a file in PEM form")
    return TlsConfig(Path(value["certificate"]), Path(value["key"]))
