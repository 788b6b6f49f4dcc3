"""The domains there are, kept up to date."""

import asyncio
import hashlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Self, TypeVar

from libvirt_webrtc.domains.connection import Connection
from libvirt_webrtc.domains.libvirt_api import (
    XML_INACTIVE,
    VirConnect,
    VirDomain,
    default_uri,
    lookup,
    our_errors,
)
from libvirt_webrtc.domains.policy import Policy, decide
from libvirt_webrtc.domains.xml import DbusDisplay, find_dbus_display
from libvirt_webrtc.errors import DomainXMLError, HypervisorError, HypervisorUnavailable, NoSuchDomain
from libvirt_webrtc.newest import Newest

T = TypeVar("T")

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.2
LAST_RETRY_S = 5.0
"""Between two attempts to connect; it doubles from the first to the last."""

POLL_S = 10.0
"""How often states are compared with libvirt's without an event, in case one was lost."""

ANSWER_S = 5.0
"""After this time an open connection without an answer is reported as a problem; it is still waited for."""

OPEN_GRAPHICS_S = 10.0
"""libvirt waits for QEMU without limit."""

NOTHING_BY_ITSELF = Policy()


class DomainState(StrEnum):
    """libvirt's virDomainState, as virsh and the pages call it."""

    RUNNING = "running"
    PAUSED = "paused"
    SHUTDOWN = "shutdown"
    """Shutting down."""
    SHUTOFF = "shutoff"
    CRASHED = "crashed"
    PMSUSPENDED = "pmsuspended"


_STATES = (  # by virDomainState
    DomainState.RUNNING,  # no state: not used by QEMU's driver
    DomainState.RUNNING,
    DomainState.RUNNING,  # blocked
    DomainState.PAUSED,
    DomainState.SHUTDOWN,
    DomainState.SHUTOFF,
    DomainState.CRASHED,
    DomainState.PMSUSPENDED,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the policy makes of a persistent definition; see :class:`libvirt_webrtc.domains.policy.Decision`."""

    definition: str
    """Names this very definition: another one has another name."""
    changed: bool
    """It is to be changed."""
    reason: str
    obstacle: bool


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain at one moment."""

    uuid: str
    name: str
    id: int | None
    """None while it does not run; a new one with each start."""
    state: DomainState
    display: DbusDisplay | None
    """Of the live XML; None while the domain does not run."""
    next_display: DbusDisplay | None
    """Of the persistent definition: what the next start will bring."""
    persistent: bool
    plan: Plan | None = None
    """None where there is no definition, or none that can be read."""
    problem: str | None = None
    """Why the plan could not be carried out and is not tried any more."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All domains, by name, and whether the list is fresh."""

    connected: bool
    problem: str | None
    """Why libvirt cannot be reached; the domains are the last known ones then."""
    domains: tuple[Domain, ...]


class Inventory:
    """Follows libvirt's domains, and stays connected by itself.

    An async context manager. Entering waits for the first list, or for the first reason why there is none.
    ``uri`` None is libvirt's own default. ``policy`` is what the domains' plans follow.
    """

    def __init__(self, uri: str | None = None, policy: Policy = NOTHING_BY_ITSELF) -> None:
        self.uri = uri or default_uri()
        self.policy = policy
        self._newest = Newest(Snapshot(False, f"connecting to libvirt at {self.uri}", ()))
        self._settled = asyncio.Event()
        self._domains: dict[str, Domain] = {}
        self._problems: dict[str, str] = {}
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The newest one."""
        return self._newest.value

    def changes(self) -> AsyncIterator[Snapshot]:
        """The present snapshot, then the newest after every change, until :meth:`close`."""
        return self._newest.values()

    async def open_graphics_fd(self, uuid: str, index: int) -> int:
        """A socket to the display at ``index`` of a running domain; the caller owns it.

        Raises NoSuchDomain, HypervisorUnavailable, or HypervisorError with libvirt's reason.
        """

        def open_fd(raw: VirConnect) -> int:
            with our_errors("cannot open the display"):
                return lookup(raw, uuid).openGraphicsFD(index)

        try:
            async with asyncio.timeout(OPEN_GRAPHICS_S):
                return await self.call(open_fd, discard=os.close)
        except TimeoutError as error:
            raise HypervisorError(f"cannot open the display: no answer in {OPEN_GRAPHICS_S:g} s") from error

    async def call(
        self, function: Callable[[VirConnect], T], *, discard: Callable[[T], object] | None = None
    ) -> T:
        """As :meth:`Connection.call`, on the present connection. Raises HypervisorUnavailable."""
        connection = self._connection
        if connection is None:
            raise HypervisorUnavailable(self.snapshot.problem or "there is no connection to libvirt")
        return await connection.call(function, discard=discard)

    def look_again(self, uuid: str) -> None:
        """Have a domain read anew, as after an event."""
        if self._connection is not None:
            self._connection.add_change(uuid)

    def set_problem(self, uuid: str, problem: str | None) -> None:
        """Show with a domain why its plan was given up; None for no more. Kept until the domain is gone."""
        if problem is not None and uuid in self._domains:
            self._problems[uuid] = problem
        else:
            self._problems.pop(uuid, None)
        if self._connection is not None:
            self._publish()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="inventory")
        try:
            await self._settled.wait()
        except asyncio.CancelledError:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect and end :meth:`changes`; calling it twice is fine."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.result()  # it ends by itself only where something went wrong

    async def _run(self) -> None:
        try:
            await self._stay_connected()
        finally:
            self._settled.set()
            self._newest.close()

    async def _stay_connected(self) -> None:
        delay = FIRST_RETRY_S
        while True:
            connection = None
            try:
                connection = await self._connect()
                await self._list(connection)
                self._connection, delay = connection, FIRST_RETRY_S
                await self._follow(connection)
            except HypervisorError as error:
                self._publish_problem(str(error))
            finally:
                self._connection = None
                if connection is not None:
                    await connection.close()
            await asyncio.sleep(delay)
            delay = min(2 * delay, LAST_RETRY_S)

    async def _connect(self) -> Connection:
        problem = f"libvirt at {self.uri} does not answer"
        late = asyncio.get_running_loop().call_later(ANSWER_S, self._publish_problem, problem)
        try:
            return await Connection.open(self.uri)
        finally:
            late.cancel()

    async def _list(self, connection: Connection) -> None:
        read_all = partial(_read_all, policy=self.policy)
        self._domains = {domain.uuid: domain for domain in await connection.call(read_all)}
        self._publish()
        log.info("connected to libvirt at %s, %d domains", self.uri, len(self._domains))

    async def _follow(self, connection: Connection) -> None:
        """Until the connection is lost, which raises."""
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    changed = await connection.next_changes()
            except TimeoutError:
                changed = await self._poll(connection)
            if changed:
                await self._refresh(connection, changed)

    async def _refresh(self, connection: Connection, uuids: Iterable[str]) -> None:
        fresh = await connection.call(lambda raw: [(uuid, _read(raw, uuid, self.policy)) for uuid in uuids])
        for uuid, domain in fresh:
            if domain is not None:
                self._domains[uuid] = domain
            else:
                self._domains.pop(uuid, None)
                self._problems.pop(uuid, None)
        self._publish()

    async def _poll(self, connection: Connection) -> set[str]:
        """The UUIDs of the domains that are not as we know them."""
        known = {(d.uuid, d.name, d.id, d.state) for d in self._domains.values()}
        present = await connection.call(_identities)
        return {identity[0] for identity in known ^ present}

    def _publish(self) -> None:
        domains = sorted(self._domains.values(), key=lambda domain: (domain.name, domain.uuid))
        shown = (replace(domain, problem=self._problems.get(domain.uuid)) for domain in domains)
        self._newest.set(Snapshot(True, None, tuple(shown)))
        self._settled.set()

    def _publish_problem(self, problem: str) -> None:
        if self.snapshot.problem != problem:
            log.warning("%s; trying again", problem)
        self._newest.set(replace(self.snapshot, connected=False, problem=problem))
        self._settled.set()


def _read_all(raw: VirConnect, policy: Policy) -> list[Domain]:
    with our_errors("cannot list the domains"):
        found = (_describe(domain, policy) for domain in raw.listAllDomains())
        return [domain for domain in found if domain is not None]


def _read(raw: VirConnect, uuid: str, policy: Policy) -> Domain | None:
    try:
        domain = lookup(raw, uuid)
    except NoSuchDomain:
        return None
    return _describe(domain, policy)


def _identities(raw: VirConnect) -> set[tuple[str, str, int | None, DomainState]]:
    found = set()
    with our_errors("cannot list the domains"):
        for domain in raw.listAllDomains():
            state = _state(domain)
            if state is not None:
                found.add((domain.UUIDString(), domain.name(), _id(domain), state))
    return found


def _describe(domain: VirDomain, policy: Policy) -> Domain | None:
    """None where it ceases to exist meanwhile."""
    try:
        with our_errors(f"cannot read domain '{domain.name()}'"):
            persistent = bool(domain.isPersistent())
            state = _STATES[domain.state()[0]]
            display = next_display = plan = None
            if _id(domain) is not None:
                display, _ = _read_xml(domain.name(), domain.XMLDesc(0), None)
            if persistent:
                next_display, plan = _read_xml(domain.name(), domain.XMLDesc(XML_INACTIVE), policy)
            return Domain(
                uuid=domain.UUIDString(),
                name=domain.name(),
                id=_id(domain),
                state=state,
                display=display,
                next_display=next_display,
                persistent=persistent,
                plan=plan,
            )
    except NoSuchDomain:
        return None


def _state(domain: VirDomain) -> DomainState | None:
    """None where the domain ceases to exist meanwhile."""
    try:
        with our_errors(f"cannot read domain '{domain.name()}'"):
            return _STATES[domain.state()[0]]
    except NoSuchDomain:
        return None


def _id(domain: VirDomain) -> int | None:
    """As it was when the domain was looked up."""
    number = domain.ID()
    return number if number >= 0 else None


def _read_xml(name: str, xml: str, policy: Policy | None) -> tuple[DbusDisplay | None, Plan | None]:
    """The display, and with a policy what that makes of it."""
    try:
        display = find_dbus_display(xml)
        if policy is None:
            return display, None
        decision = decide(xml, policy)
    except DomainXMLError as error:
        log.warning("domain %s: %s", name, error)
        return None, None
    digest = hashlib.sha256(xml.encode()).hexdigest()
    return display, Plan(digest, decision.changed, decision.reason, decision.obstacle)
