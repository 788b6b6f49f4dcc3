"""What one viewer may do with a domain: decided by the portal, held to by the worker."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class Role(IntEnum):
    """What somebody may do with a domain; each may do what the ones below it may."""

    VIEW = 0
    """See its consoles."""
    CONTROL = 1
    """Use its keyboard and mouse, and choose the size of its screens."""
    OPERATE = 2
    """Change the state of the domain itself."""
    ADMIN = 3

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the word that :meth:`__str__` gives. Raises ValueError for any other."""
        for role in cls:
            if text == str(role):
                return role
        raise ValueError(f"{text!r} is no role; write one of {', '.join(map(str, cls))}")


@dataclass(frozen=True, slots=True)
class Grant:
    """Goes with each offer of a viewer, to the worker."""

    name: str
    """The user's, for people."""
    role: Role
    until: float | None
    """When the viewer's connection ends, in seconds of ``time.monotonic``; None: not by itself."""
    session: str
    """Names the session that the viewer belongs to. No secret."""
    responsible: str
    """Who answers for the viewer: many names may be one person's, as those of share links are."""
