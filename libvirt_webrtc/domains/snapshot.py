"""The domains at one moment, as plain values."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from libvirt_webrtc.domains.definition.display import DbusDisplay


class DomainState(StrEnum):
    """libvirt's virDomainState, as virsh and the pages call it."""

    RUNNING = "running"
    PAUSED = "paused"
    SHUTDOWN = "shutdown"
    """Shutting down."""
    SHUTOFF = "shutoff"
    CRASHED = "crashed"
    PMSUSPENDED = "pmsuspended"
    UNKNOWN = "unknown"
    """libvirt does not tell this user. This state is ours, not one of libvirt's."""


@dataclass(frozen=True, slots=True)
class DefinitionPlan:
    """What the policy makes of a persistent definition; see `domains.definition.policy.Decision`."""

    definition: str
    """A digest of the definition, to tell it from an earlier or later one."""
    changed: bool
    """Whether the definition is to be changed."""
    reason: str
    obstacle: bool


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain at one moment."""

    uuid: str
    name: str
    id: int | None
    """libvirt's number of the running domain, a new one with each start; None while it does not run."""
    state: DomainState
    display: DbusDisplay | None
    """The D-Bus display of the running domain; None where it has none or does not run."""
    next_display: DbusDisplay | None
    """The D-Bus display in the persistent definition, which the next start brings."""
    persistent: bool
    plan: DefinitionPlan | None = None
    """None where there is no definition, or none that can be read."""
    problem: str | None = None
    """Why the plan could not be carried out and is not tried any more."""
    not_shown: str | None = None
    """Why the running domain's display has no picture, by its XML; see `domains.definition.refusals.why_not_shown`."""
    reverted: bool = False
    """Whether it was set back to a snapshot that took the display out of its definition. Forgotten when one is there
    again, and when this process ends."""
    unreadable: str | None = None
    """Why the domain could not be read at the last look: what is known of it is of an earlier one, or nothing."""
    tags: tuple[str, ...] = ()
    """Of its settings: in the persistent definition, where it has one."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All domains, by name, and whether the list is fresh."""

    connected: bool
    problem: str | None
    """Why libvirt cannot be reached; the domains are the last known ones then."""
    domains: tuple[Domain, ...]


class DomainSource(Protocol):
    """What the service needs of :class:`libvirt_webrtc.domains.inventory.Inventory`."""

    uri: str

    @property
    def snapshot(self) -> Snapshot: ...

    def changes(self) -> AsyncIterator[Snapshot]: ...

    async def open_graphics_fd(self, uuid: str, index: int) -> int: ...
