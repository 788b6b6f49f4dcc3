"""The service's agent for libvirt: one worker supervisor for each running domain that has a D-Bus display."""

import logging
from collections.abc import AsyncIterator
from functools import partial
from typing import Self

from libvirt_webrtc.agent.ends import ViewerEnd
from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.agent.interface import (
    Action,
    Answer,
    ConsoleState,
    DomainList,
    DomainView,
    ViewerStream,
)
from libvirt_webrtc.agent.latest import LatestValue
from libvirt_webrtc.agent.stats import ConsoleStats
from libvirt_webrtc.concurrency.tasks import LongLivedTask, TaskSet
from libvirt_webrtc.config.load import Config, state_dir
from libvirt_webrtc.domains.snapshot import Domain, DomainSource, DomainState, Snapshot
from libvirt_webrtc.errors import CannotAttach, NoConsole, NoSuchDomain, WorkerGone
from libvirt_webrtc.service.attach_jobs import AttachJobs
from libvirt_webrtc.service.bus_socket import open_bus
from libvirt_webrtc.service.console_maker import ConsoleMaker
from libvirt_webrtc.service.domain_status import actions, why_no_console
from libvirt_webrtc.service.registration_counts import RegistrationCounts
from libvirt_webrtc.service.worker_supervisor import DisplaySource, WorkerSupervisor

log = logging.getLogger(__name__)

_Key = tuple[str, int, int, str | None]
"""UUID and id of a running domain, and the place of its display: its index, and its bus."""


class Supervisor:
    """Implements :class:`libvirt_webrtc.agent.interface.Agent` for the libvirt of this machine.

    An async context manager: entering begins to follow the domains, leaving ends every worker.
    """

    def __init__(self, inventory: DomainSource, config: Config) -> None:
        self._inventory = inventory
        self._maker = ConsoleMaker(config)
        self._worker_supervisors: dict[_Key, WorkerSupervisor] = {}
        self._registrations = RegistrationCounts(state_dir() / "registrations", inventory.uri)
        self._connected = False
        """Whether libvirt was there at the last snapshot."""
        self._tasks = TaskSet(expected=(WorkerGone,))
        self._follower: LongLivedTask | None = None
        self._trouble: str | None = None
        """Why the domains are not followed right now."""
        self._attach_jobs = AttachJobs(inventory.uri, state_dir() / "attaching", self._publish)
        self._latest = LatestValue(self.list())

    async def __aenter__(self) -> Self:
        await self._maker.prepare()
        self._attach_jobs.finish_interrupted()
        self._follower = LongLivedTask(self._follow, name="supervisor", on_failure=self._failed)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all workers. Idempotent.

        Waits for :meth:`AttachJobs.close` first: no guest stays saved. Workers take some seconds at most.
        """
        await self._attach_jobs.close()
        if self._follower is not None:
            await self._follower.close()
        for key in list(self._worker_supervisors):
            self._end(key)
        await self._tasks.join()
        self._latest.close()
        self._maker.viewer_ends.close()

    def list(self) -> DomainList:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        snapshot = self._inventory.snapshot
        connected = snapshot.connected and self._trouble is None
        problem = snapshot.problem or self._trouble
        return DomainList(connected, problem, tuple(map(self._view, snapshot.domains)), self._inventory.uri)

    def watch(self) -> AsyncIterator[DomainList]:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        return self._latest.values()

    def watch_ends(self) -> AsyncIterator[ViewerEnd]:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        return self._maker.viewer_ends.watch()

    async def offer(self, uuid: str, console: int, sdp: str, grant: Grant) -> Answer:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        return await self._open_worker_supervisor(uuid).offer(console, sdp, grant)

    async def open_stream(self, uuid: str, console: int, grant: Grant) -> ViewerStream:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        return await self._open_worker_supervisor(uuid).open_stream(console, grant)

    async def stats(self, uuid: str, console: int) -> ConsoleStats:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        return await self._open_worker_supervisor(uuid).stats(console)

    async def act(self, uuid: str, action: Action) -> None:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        domain = self._domain(uuid)
        if action not in actions(domain):
            raise CannotAttach(why_no_console(domain) or "it already has its display")
        await self._attach_jobs.begin(uuid)

    async def close_viewer(self, uuid: str, viewer: str) -> bool:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        worker_supervisor = self._worker_supervisor(self._domain(uuid))
        try:
            return worker_supervisor is not None and await worker_supervisor.close_viewer(viewer)
        except WorkerGone:
            return False

    async def has_viewer(self, uuid: str, viewer: str) -> bool:
        """See :class:`libvirt_webrtc.agent.interface.Agent`."""
        domain = next((one for one in self._inventory.snapshot.domains if one.uuid == uuid), None)
        worker_supervisor = self._worker_supervisor(domain) if domain is not None else None
        return worker_supervisor is not None and worker_supervisor.has_viewer(viewer)

    async def _follow(self) -> None:
        await self._maker.test_hardware()
        async for snapshot in self._inventory.changes():
            self._reconcile(snapshot)
            self._trouble = None
            self._publish()

    def _reconcile(self, snapshot: Snapshot) -> None:
        """Start and end worker supervisors to match. A restarted domain, or another display, gets a new one."""
        desired = {
            key: domain
            for domain in snapshot.domains
            if (key := _key(domain)) is not None and why_no_console(domain) is None
        }
        for domain in desired.values():
            self._attach_jobs.forget(domain.uuid)
        for key in self._worker_supervisors.keys() - desired.keys():
            self._end(key)
        for key, domain in desired.items():
            worker_supervisor = self._worker_supervisors.get(key)
            if worker_supervisor is None:
                worker_supervisor = self._worker_supervisors[key] = self._new_worker_supervisor(domain)
            self._tasks.start(
                worker_supervisor.set_paused(domain.state is DomainState.PAUSED),
                name=f"telling the worker of {domain.name} whether the guest is paused",
            )
        if snapshot.connected:
            self._registrations.keep(
                (domain.uuid, domain.id) for domain in snapshot.domains if domain.id is not None
            )
            if not self._connected:
                # Consoles may have waited for libvirt, for longer and longer.
                for worker_supervisor in self._worker_supervisors.values():
                    worker_supervisor.try_again()
        self._connected = snapshot.connected

    def _new_worker_supervisor(self, domain: Domain) -> WorkerSupervisor:
        display = domain.display
        assert display is not None and domain.id is not None
        if display.address is not None:
            source = DisplaySource(partial(open_bus, display.address), on_bus=True)
        else:
            source = DisplaySource(
                partial(self._inventory.open_graphics_fd, domain.uuid, display.index), on_bus=False
            )
        return self._maker.make(
            domain.name,
            source,
            self._publish,
            gl=display.gl,
            render_node=display.render_node,
            registrations=self._registrations.of(domain.uuid, domain.id),
        )

    def _publish(self) -> None:
        self._latest.set(self.list())

    def _view(self, domain: Domain) -> DomainView:
        worker_supervisor = self._worker_supervisor(domain)
        state = str(domain.state)
        if worker_supervisor is not None:
            return DomainView(
                domain.uuid,
                domain.name,
                state,
                worker_supervisor.state,
                worker_supervisor.reason,
                worker_supervisor.consoles,
                worker_supervisor.worker_pid,
                tags=domain.tags,
            )
        if (progress := self._attach_jobs.progress(domain.uuid)) is not None:
            return DomainView(
                domain.uuid, domain.name, state, ConsoleState.ATTACHING, progress, tags=domain.tags
            )
        reason = why_no_console(domain)
        possible = actions(domain)
        if possible and (failure := self._attach_jobs.failure(domain.uuid)) is not None:
            reason = failure
        console = ConsoleState.STARTING if reason is None else ConsoleState.NONE
        reason = reason or "the console is being set up"
        return DomainView(
            domain.uuid, domain.name, state, console, reason, actions=possible, tags=domain.tags
        )

    def _domain(self, uuid: str) -> Domain:
        for domain in self._inventory.snapshot.domains:
            if domain.uuid == uuid:
                return domain
        raise NoSuchDomain(f"there is no domain with the UUID {uuid}")

    def _open_worker_supervisor(self, uuid: str) -> WorkerSupervisor:
        """Raises NoSuchDomain or NoConsole."""
        domain = self._domain(uuid)
        worker_supervisor = self._worker_supervisor(domain)
        if worker_supervisor is None:
            raise NoConsole(why_no_console(domain) or "the domain has just started; try again in a moment")
        return worker_supervisor

    def _worker_supervisor(self, domain: Domain) -> WorkerSupervisor | None:
        key = _key(domain)
        return self._worker_supervisors.get(key) if key is not None else None

    def _end(self, key: _Key) -> None:
        worker_supervisor = self._worker_supervisors.pop(key)
        self._tasks.start(worker_supervisor.close(), name=f"ending the worker of domain {key[0]}")

    def _failed(self, error: Exception) -> None:
        """The follower ended unexpectedly and is about to be started again: until then the list is an old one."""
        self._trouble = f"the domains are not followed because of an unexpected error: {error!r}"
        self._publish()


def _key(domain: Domain) -> _Key | None:
    """None for a domain that does not run, or has no display."""
    if domain.id is None or domain.display is None:
        return None
    return domain.uuid, domain.id, domain.display.index, domain.display.address
