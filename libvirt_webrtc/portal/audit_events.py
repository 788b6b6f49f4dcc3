"""What the audit log tells of: one class for each kind of event, whose fields are those of its lines.

Nothing in an event is a secret: sessions, links and tokens are named by their public ids, viewers by :func:`viewer_id`.
A field that is None is left out of the line.
"""

import hashlib
from typing import Literal

import msgspec


class Actor(msgspec.Struct, frozen=True):
    """Who did it, and from where."""

    address: str
    """The client's; ``local`` for a command, or the operator's own files."""
    user: str | None = None
    """Who it is, or who somebody said to be that was refused; None: nobody said."""
    method: str | None = None
    """How that was, or should have been, proved: a :class:`Method`'s text."""
    session: str | None = None


LOCAL = Actor("local")


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="event"):
    """The base of all."""


class SignIn(AuditEvent, frozen=True, kw_only=True, tag="sign-in"):
    """Somebody signed in, or was refused."""

    outcome: Literal["ok", "refused"]
    reason: str | None = None
    """The ``error`` of the answer, where it is refused."""


class SignOut(AuditEvent, frozen=True, kw_only=True, tag="sign-out"):
    """A session ended."""

    reason: str
    """``asked``; ``expired``; ``revoked``, with the token or link; ``replaced``, by newer ones of too many."""


class Refusal(AuditEvent, frozen=True, kw_only=True, tag="refusal"):
    """A request was refused: not signed in, no right to it, from a foreign page, too many wrong secrets."""

    outcome: Literal["refused"] = "refused"
    reason: str
    """The ``error`` of the answer."""
    request: str
    """Method and route, as ``libvirt_webrtc/portal/routes`` have it."""
    domain: str | None = None
    """The UUID in the path."""


class ConsoleOpened(AuditEvent, frozen=True, kw_only=True, tag="console-opened"):
    """A viewer got an answer to its offer, or a stream."""

    domain: str
    """Its UUID."""
    name: str
    """The domain's."""
    console: int
    role: str
    transport: Literal["webrtc", "websocket"]
    viewer: str
    """As :func:`viewer_id` makes it; the same in the line that tells of its end."""


class ConsoleClosed(AuditEvent, frozen=True, kw_only=True, tag="console-closed"):
    """A viewer is gone, however it ended."""

    domain: str
    name: str
    console: int
    role: str
    transport: Literal["webrtc", "websocket"]
    viewer: str
    seconds: float
    """Since it was opened."""
    bytes_sent: int | None
    """Of encoded pictures; None where the service ended, or the viewer before it was noted."""


class ActionAsked(AuditEvent, frozen=True, kw_only=True, tag="action"):
    """Something was to be done to a domain."""

    domain: str
    name: str
    action: str
    outcome: Literal["begun", "failed"]
    reason: str | None = None


class LinkChanged(AuditEvent, frozen=True, kw_only=True, tag="link"):
    """A share link was made, used to sign in, or revoked."""

    change: Literal["made", "used", "revoked"]
    link: str
    """Its public id."""
    domain: str | None = None
    role: str | None = None
    until: str | None = None


class TokenChanged(AuditEvent, frozen=True, kw_only=True, tag="token"):
    """An API token was made or revoked."""

    change: Literal["made", "revoked"]
    token: str
    """Its public id."""
    role: str | None = None
    domains: tuple[str, ...] | None = None
    until: str | None = None


class RolesChanged(AuditEvent, frozen=True, kw_only=True, tag="roles"):
    """The operator's rules were read again, and are others now."""

    rules: int
    """How many there are."""
    ended_consoles: int
    """Of users who have no right to them any more."""


def viewer_id(viewer: str) -> str:
    """What a viewer is called in the log: its own name is what its page proves itself with."""
    return hashlib.sha256(viewer.encode()).hexdigest()[:16]
