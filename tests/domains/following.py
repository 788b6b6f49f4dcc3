"""Waiting for what an inventory says."""

import asyncio
from collections.abc import Callable

from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.domains.snapshot import Domain, Snapshot

DEADLINE_S = 30.0
"""Only guards against waiting for ever."""


async def until(inventory: Inventory, condition: Callable[[Snapshot], object]) -> Snapshot:
    """The first snapshot that is as ``condition`` wants it."""
    async with asyncio.timeout(DEADLINE_S):
        async for snapshot in inventory.changes():
            if condition(snapshot):
                return snapshot
    raise AssertionError("the inventory ended")


async def until_domain(
    inventory: Inventory, uuid: str, condition: Callable[[Domain], object] = lambda _: True
) -> Domain:
    """One domain, as soon as it is there and as ``condition`` wants it."""
    snapshot = await until(inventory, lambda s: any(d.uuid == uuid and condition(d) for d in s.domains))
    return next(domain for domain in snapshot.domains if domain.uuid == uuid)


async def until_gone(inventory: Inventory, uuid: str) -> None:
    """Until a connected inventory has no such domain."""
    await until(inventory, lambda s: s.connected and all(d.uuid != uuid for d in s.domains))
