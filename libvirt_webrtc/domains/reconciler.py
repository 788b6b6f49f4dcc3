"""Change definitions as the policy wants them.

It follows the inventory's snapshots and compares states, not events. So it misses nothing while libvirt is away, and
its own changes cause no further ones: a definition that is as it should be has no plan.
"""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import Self

from libvirt_webrtc.concurrency.tasks import LongLivedTask, TaskSet
from libvirt_webrtc.domains.actions import reconcile
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.domains.snapshot import Domain, Snapshot
from libvirt_webrtc.errors import HypervisorUnavailable, LibvirtWebRTCError, NoSuchDomain

log = logging.getLogger(__name__)

DEBOUNCE_S = 0.3
"""Seconds for which a definition must have stayed the same before it is changed: tools write it several times in a
row."""

TRIES = 3
"""Limit for the attempts to change one definition of one domain."""

RETRY_S = 1.0
"""Seconds to wait after the first failure; after the second it is twice as long."""

FIGHT_S = 60.0
"""Seconds within which a definition that comes back after we changed it counts as put back by another program."""


@dataclass(slots=True)
class _Attempts:
    """The attempts to change one definition of one domain."""

    definition: str
    began: float
    count: int = 0
    over: bool = False
    """Whether it was given up."""


class Reconciler:
    """Follows an inventory and changes definitions as the inventory's policy says.

    An async context manager: entering begins to follow. Each domain has a task of its own, so that none waits for
    another.
    """

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._attempts: dict[str, _Attempts] = {}
        self._tasks = TaskSet()
        self._busy: set[str] = set()
        """The UUIDs of the domains that a task sees to."""
        self._connected = False
        self._follower: LongLivedTask | None = None

    async def __aenter__(self) -> Self:
        self._follower = LongLivedTask(self._follow, name="reconciler")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop following. Idempotent. A definition that is being written at this moment gets written."""
        if self._follower is not None:
            await self._follower.close()
        await self._tasks.close()

    async def _follow(self) -> None:
        async for snapshot in self._inventory.changes():
            self._look(snapshot)

    def _look(self, snapshot: Snapshot) -> None:
        if snapshot.connected and not self._connected:
            # Another libvirtd, perhaps with another QEMU: what failed may work now.
            for uuid in list(self._attempts):
                self._forget(uuid)
        self._connected = snapshot.connected
        if not snapshot.connected:
            return
        for uuid in self._attempts.keys() - {domain.uuid for domain in snapshot.domains}:
            self._forget(uuid)
        for domain in snapshot.domains:
            if self._is_due(domain) and domain.uuid not in self._busy:
                self._busy.add(domain.uuid)
                self._tasks.start(
                    self._see_to(domain.uuid),
                    name=f"reconciling domain {domain.name}",
                    on_failure=partial(self._failed, domain),
                )

    def _is_due(self, domain: Domain) -> bool:
        if domain.plan is None or not domain.plan.changed:
            return False
        attempts = self._attempts.get(domain.uuid)
        return attempts is None or not attempts.over or attempts.definition != domain.plan.definition

    async def _see_to(self, uuid: str) -> None:
        try:
            await self._settle(uuid)
        finally:
            self._busy.discard(uuid)
        if self._follower is not None and self._follower.running:
            self._look(self._inventory.snapshot)  # what came while this task was ending

    async def _settle(self, uuid: str) -> None:
        """Work on one domain until there is nothing to do, or nothing that can be done."""
        wait = DEBOUNCE_S
        while (domain := await self._quiet(uuid, wait)) is not None:
            assert domain.plan is not None
            attempts = self._attempts_at(domain, domain.plan.definition)
            if attempts.count >= TRIES:
                self._give_up(domain, attempts, "another program took the change back each time")
                return
            try:
                outcome = await self._inventory.call(
                    partial(reconcile, uuid=uuid, policy=self._inventory.policy)
                )
            except (HypervisorUnavailable, NoSuchDomain):
                return  # the next list tells what there is to do
            except LibvirtWebRTCError as error:
                attempts.count += 1
                if attempts.count >= TRIES:
                    self._give_up(domain, attempts, str(error))
                    return
                log.warning("domain %s: %s; trying again", domain.name, error)
                wait = RETRY_S * attempts.count
            else:
                if outcome.changed:
                    attempts.count += 1
                    log.info("domain %s: definition changed: %s", outcome.name, domain.plan.reason)
                # Events may be missing, or late: have the inventory read it now.
                self._inventory.look_again(uuid)
                wait = DEBOUNCE_S if outcome.changed else min(2 * wait, RETRY_S)

    async def _quiet(self, uuid: str, wait: float) -> Domain | None:
        """The domain once its definition stayed the same for ``wait`` seconds; None where nothing is due."""
        domain = self._due(uuid)
        while domain is not None:
            await asyncio.sleep(wait)
            before, domain = domain, self._due(uuid)
            if domain is not None and domain.plan == before.plan:
                return domain
            wait = DEBOUNCE_S
        return None

    def _due(self, uuid: str) -> Domain | None:
        for domain in self._inventory.snapshot.domains:
            if domain.uuid == uuid:
                return domain if self._is_due(domain) else None
        return None

    def _attempts_at(self, domain: Domain, definition: str) -> _Attempts:
        now = asyncio.get_running_loop().time()
        attempts = self._attempts.get(domain.uuid)
        if attempts is None or attempts.definition != definition or now - attempts.began > FIGHT_S:
            self._forget(domain.uuid)
            attempts = self._attempts[domain.uuid] = _Attempts(definition, now)
        return attempts

    def _give_up(self, domain: Domain, attempts: _Attempts, reason: str) -> None:
        attempts.over = True
        log.error("domain %s: given up after %d tries: %s", domain.name, attempts.count, reason)
        self._inventory.set_problem(domain.uuid, reason)

    def _forget(self, uuid: str) -> None:
        attempts = self._attempts.pop(uuid, None)
        if attempts is not None and attempts.over:
            self._inventory.set_problem(uuid, None)

    def _failed(self, domain: Domain, error: Exception) -> None:
        """An unexpected error: this definition is not tried again, and the list says so."""
        if domain.plan is not None:
            attempts = self._attempts_at(domain, domain.plan.definition)
            self._give_up(domain, attempts, f"an unexpected error: {error!r}")
