"""Follow libvirt's domains, over connections that may be lost."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Self, TypeVar

from libvirt_webrtc.agent.latest import LatestValue
from libvirt_webrtc.concurrency.tasks import LongLivedTask
from libvirt_webrtc.domains.connection import Connection
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.domains.libvirt_api import VirConnect, open_display
from libvirt_webrtc.domains.reading import identities, read, read_all
from libvirt_webrtc.domains.snapshot import Snapshot
from libvirt_webrtc.domains.table import DomainTable
from libvirt_webrtc.domains.uri import full_uri
from libvirt_webrtc.errors import (
    HypervisorError,
    HypervisorUnavailable,
    NoDescriptors,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.2
LAST_RETRY_S = 5.0
"""Seconds between two attempts to connect: they double from the first value to the last."""

POLL_S = 10.0
"""Seconds without an event after which all states are compared with libvirt's, in case an event was lost."""

ANSWER_S = 5.0
"""Seconds after which libvirt's silence stands in the list as a problem. It is still waited for."""

OPEN_GRAPHICS_S = 10.0
"""Limit for opening a display, in seconds: libvirt itself waits for a hanging QEMU without one."""

NOTHING_BY_ITSELF = Policy()


class Inventory:
    """The domains of one libvirt, followed for as long as it is open; it connects anew by itself.

    An async context manager. Entering waits for the first list, or for the first reason why there is none.

    Args:
        uri: the libvirt to connect to; None is its own default.
        policy: decides the plans of the domains.
    """

    def __init__(self, uri: str | None = None, policy: Policy = NOTHING_BY_ITSELF) -> None:
        self.uri = full_uri(uri)
        self.policy = policy
        self._latest = LatestValue(Snapshot(False, f"connecting to libvirt at {self.uri}", ()))
        self._settled = asyncio.Event()
        self._table = DomainTable()
        self._connection: Connection | None = None
        self._no_descriptors: str | None = None
        """Why no display of this libvirt can be opened, since the first try."""
        self._task: LongLivedTask | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._latest.value

    def changes(self) -> AsyncIterator[Snapshot]:
        """The present snapshot, then the newest after every change, until :meth:`close`."""
        return self._latest.values()

    async def open_graphics_fd(self, uuid: str, index: int) -> int:
        """A socket to the display at ``index`` of a running domain; the caller owns it.

        Raises NoSuchDomain, HypervisorUnavailable, DisplayUnusable, or HypervisorError with libvirt's reason.
        """
        if self._no_descriptors is not None:
            raise NoDescriptors(self._no_descriptors)
        try:
            async with asyncio.timeout(OPEN_GRAPHICS_S):
                return await self.call(partial(open_display, uuid=uuid, index=index), discard=os.close)
        except TimeoutError as error:
            raise HypervisorError(f"cannot open the display: no answer in {OPEN_GRAPHICS_S:g} s") from error
        except NoDescriptors as error:
            # Each further try, for any domain, would break the connection again.
            self._no_descriptors = str(error)
            log.error("%s", error)
            raise

    async def call(
        self, function: Callable[[VirConnect], T], *, discard: Callable[[T], object] | None = None
    ) -> T:
        """As :meth:`Connection.call`, on the present connection. Raises HypervisorUnavailable."""
        connection = self._connection
        if connection is None:
            raise HypervisorUnavailable(self.snapshot.problem or "there is no connection to libvirt")
        return await connection.call(function, discard=discard)

    def look_again(self, uuid: str) -> None:
        """Read a domain anew soon, as after an event."""
        if self._connection is not None:
            self._connection.add_change(uuid)

    def set_policy(self, policy: Policy) -> None:
        """Have the plans of all domains follow another policy: each domain is read again."""
        self.policy = policy
        for domain in self.snapshot.domains:
            self.look_again(domain.uuid)

    def set_problem(self, uuid: str, problem: str | None) -> None:
        """Show with a domain why its plan was given up, until the domain is gone; None for no more."""
        self._table.set_problem(uuid, problem)
        if self._connection is not None:
            self._publish()

    async def __aenter__(self) -> Self:
        self._task = LongLivedTask(self._stay_connected, name="inventory", on_failure=self._failed)
        try:
            await self._settled.wait()
        except asyncio.CancelledError:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect and end :meth:`changes`. Idempotent; takes ``CLOSE_S`` at most where libvirtd hangs."""
        if self._task is not None:
            await self._task.close()
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
        with self._telling_silence():
            return await Connection.open(self.uri)

    async def _list(self, connection: Connection) -> None:
        policy = self.policy
        with self._telling_silence():
            self._table.replace_all(await connection.call(partial(read_all, policy=policy)))
        if policy is not self.policy:  # another one was set meanwhile
            for domain in self._table.domains():
                connection.add_change(domain.uuid)
        self._publish()
        log.info("connected to libvirt at %s, %d domains", self.uri, len(self._table))

    async def _follow(self, connection: Connection) -> None:
        """Read what changes. Ends with HypervisorUnavailable when the connection is lost."""
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    changed = await connection.next_changes()
            except TimeoutError:
                changed = await self._poll(connection)
            for uuid in connection.take_reverted():
                self._table.note_revert(uuid)
            if changed:
                await self._refresh(connection, changed)

    async def _refresh(self, connection: Connection, uuids: Iterable[str]) -> None:
        with self._telling_silence():
            fresh = await connection.call(
                lambda raw: [(uuid, read(raw, uuid, self.policy)) for uuid in uuids]
            )
        for uuid, domain in fresh:
            self._table.put(uuid, domain)
        self._publish()

    async def _poll(self, connection: Connection) -> set[str]:
        """The UUIDs of the domains that are to be read again."""
        with self._telling_silence():
            present = await connection.call(identities)
        if not self.snapshot.connected:
            self._publish()  # it was silent
        return self._table.differing(present)

    @contextmanager
    def _telling_silence(self) -> Iterator[None]:
        """Have the list say so where the block waits for libvirt longer than ANSWER_S."""
        problem = f"libvirt at {self.uri} does not answer"
        late = asyncio.get_running_loop().call_later(ANSWER_S, self._publish_problem, problem)
        try:
            yield
        finally:
            late.cancel()

    def _publish(self) -> None:
        self._latest.set(Snapshot(True, None, self._table.domains()))
        self._settled.set()

    def _failed(self, error: Exception) -> None:
        """The task ended unexpectedly and is about to be started again: until then the list is an old one."""
        self._publish_problem(f"the domains are not followed because of an unexpected error: {error!r}")

    def _publish_problem(self, problem: str) -> None:
        if self.snapshot.problem != problem:
            log.warning("%s; trying again", problem)
        self._latest.set(replace(self.snapshot, connected=False, problem=problem))
        self._settled.set()
