"""The domains there are, kept up to date."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Self, TypeVar

from libvirt_webrtc.agent.latest import LatestValue
from libvirt_webrtc.domains.connection import Connection
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.domains.libvirt_api import VirConnect, default_uri, lookup, our_errors
from libvirt_webrtc.domains.reading import identities, read, read_all
from libvirt_webrtc.domains.snapshot import Domain, Snapshot
from libvirt_webrtc.errors import HypervisorError, HypervisorUnavailable

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


class Inventory:
    """Follows libvirt's domains, and stays connected by itself.

    An async context manager. Entering waits for the first list, or for the first reason why there is none.
    ``uri`` None is libvirt's own default. ``policy`` is what the domains' plans follow.
    """

    def __init__(self, uri: str | None = None, policy: Policy = NOTHING_BY_ITSELF) -> None:
        self.uri = uri or default_uri()
        self.policy = policy
        self._latest = LatestValue(Snapshot(False, f"connecting to libvirt at {self.uri}", ()))
        self._settled = asyncio.Event()
        self._domains: dict[str, Domain] = {}
        self._problems: dict[str, str] = {}
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The newest one."""
        return self._latest.value

    def changes(self) -> AsyncIterator[Snapshot]:
        """The present snapshot, then the newest after every change, until :meth:`close`."""
        return self._latest.values()

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
            self._latest.close()

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
        domains = await connection.call(partial(read_all, policy=self.policy))
        self._domains = {domain.uuid: domain for domain in domains}
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
        fresh = await connection.call(lambda raw: [(uuid, read(raw, uuid, self.policy)) for uuid in uuids])
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
        present = await connection.call(identities)
        return {identity[0] for identity in known ^ present}

    def _publish(self) -> None:
        domains = sorted(self._domains.values(), key=lambda domain: (domain.name, domain.uuid))
        shown = (replace(domain, problem=self._problems.get(domain.uuid)) for domain in domains)
        self._latest.set(Snapshot(True, None, tuple(shown)))
        self._settled.set()

    def _publish_problem(self, problem: str) -> None:
        if self.snapshot.problem != problem:
            log.warning("%s; trying again", problem)
        self._latest.set(replace(self.snapshot, connected=False, problem=problem))
        self._settled.set()
