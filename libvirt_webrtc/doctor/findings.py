"""The result of a check."""

from dataclasses import dataclass
from typing import Any

from libvirt_webrtc.hook.check import Level


@dataclass(frozen=True, slots=True)
class Finding:
    """One result, as a line of the output."""

    level: Level
    subject: str
    """What was looked at, in a word or two."""
    text: str
    """What was found."""
    remedy: str | None = None
    """What to do about it; always there for a problem."""

    def as_json(self) -> dict[str, Any]:
        """The finding as ``doctor --json`` prints it."""
        return {
            "level": self.level.value,
            "subject": self.subject,
            "text": self.text,
            "remedy": self.remedy,
        }


def ok(subject: str, text: str) -> Finding:
    """Make a finding: this is as it should be."""
    return Finding(Level.OK, subject, text)


def warning(subject: str, text: str, remedy: str | None = None) -> Finding:
    """Make a finding: something is missing that many users do not need."""
    return Finding(Level.WARNING, subject, text, remedy)


def problem(subject: str, text: str, remedy: str) -> Finding:
    """Make a finding: consoles do not work until this is changed."""
    return Finding(Level.PROBLEM, subject, text, remedy)
