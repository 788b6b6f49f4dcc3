"""What share links may be made."""

from dataclasses import dataclass

from libvirt_webrtc.errors import ConfigError

MAX_HOURS = 24 * 365
"""A year; who needs longer needs an account."""


@dataclass(frozen=True, slots=True)
class ShareConfig:
    """The ``[share]`` table."""

    longest_hours: float = 24 * 7
    """How long a link may live at most; 0: no links are made, and those that were open nothing."""

    @property
    def longest_s(self) -> int:
        """The same in seconds."""
        return int(self.longest_hours * 3600)


def share_from_table(value: object, where: str) -> ShareConfig:
    """The ``[share]`` table of the file; ``where`` says where it stands.

    Raises:
        ConfigError: says what to write.
    """
    if not isinstance(value, dict) or not value.keys() <= {"longest_hours"}:
        raise ConfigError(f"{where} must be a table with 'longest_hours'")
    hours = value.get("longest_hours", ShareConfig().longest_hours)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 <= hours <= MAX_HOURS:
        raise ConfigError(
            f"{where}.longest_hours is {hours!r}; write how many hours a link may live at most, up to {MAX_HOURS}, "
            "or 0 for no links"
        )
    return ShareConfig(hours)
