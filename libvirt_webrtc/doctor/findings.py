"""What a check gives."""

from dataclasses import dataclass
from typing import Any

from libvirt_webrtc.hook.check import Level


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer."""

    level: Level
    subject: str
    """What was looked at, in a word or two."""
    text: str
    """What was found."""
    remedy: str | None = None
    """What to do about it; always there for a problem."""

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "level": self.level.value,
            "subject": self.subject,
            "text": self.text,
            "remedy": self.remedy,
        }


def ok(subject: str, text: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, subject, text)


def warning(subject: str, text: str, remedy: str | None = None) -> Finding:
    """Something is missing that many can do without."""
    return Finding(Level.WARNING, subject, text, remedy)


def problem(subject: str, text: str, remedy: str) -> Finding:
    """Consoles do not work like this."""
    return Finding(Level.PROBLEM, subject, text, remedy)
