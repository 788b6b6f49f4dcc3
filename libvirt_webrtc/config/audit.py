"""Where the audit log goes."""

from dataclasses import dataclass
from pathlib import Path

from libvirt_webrtc.errors import ConfigError


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """The ``[audit]`` table."""

    file: Path | None = None
    """What lines are added to; None: they go to the program's own log, as the logger ``libvirt_webrtc.audit``."""


def audit_from_table(value: object, where: str) -> AuditConfig:
    """The ``[audit]`` table of the file; ``where`` says where it stands.

    Raises:
        ConfigError: says what to write.
    """
    if not isinstance(value, dict) or not value.keys() <= {"file"}:
        raise ConfigError(f"{where} must be a table with 'file'")
    file = value.get("file")
    if file is None:
        return AuditConfig()
    if not isinstance(file, str) or not file.startswith("/"):
        raise ConfigError(
            f"{where}.file must be an absolute path, such as '/var/log/libvirt-webrtc/audit.log'"
        )
    return AuditConfig(Path(file))
