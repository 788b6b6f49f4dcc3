"""Who signed in, how, and what that way of signing in is bounded by."""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Optional
from uuid import UUID

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.agent.interface import DomainView


class Method(StrEnum):
    """How somebody proved who they are."""

    TOKEN = "token"  # noqa: S105 (the method's name)
    """The server's own token: may do everything, with every domain."""
    PAM = "pam"
    OIDC = "oidc"
    API_TOKEN = "api-token"  # noqa: S105 (the method's name)
    LINK = "link"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class Limit:
    """What an API token or a link gives: this, and nothing beyond it."""

    role: Role
    domains: tuple[str, ...]
    """As :func:`matches` takes them."""
    owner: Optional["User"] = None
    """Who made it: it never gives more than that user has; None: the operator."""
    id: str = ""
    """Names the API token or the link. No secret."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who signed in."""

    name: str
    method: Method
    groups: frozenset[str] = frozenset()
    limit: Limit | None = None

    @property
    def responsible(self) -> str:
        """Who answers for what this user has open: the same, or, of a link, who made it; told apart by method, too.

        Where too many of something are open, it is counted by this.
        """
        if self.limit is not None and self.limit.owner is not None:
            return self.limit.owner.responsible
        return f"{self.method}:{self.name}"


TOKEN_USER = User("token", Method.TOKEN)
"""Whoever has the server's own token."""


def matches(domain: DomainView, pattern: str) -> bool:
    """Whether a pattern means this domain: its UUID, or its name with ``*``, ``?`` and ``[abc]`` as in a shell.

    A pattern that is a UUID never means a name: a guest could be named after another's UUID.
    """
    try:
        return str(UUID(pattern)) == domain.uuid
    except ValueError:
        return fnmatchcase(domain.name, pattern)
