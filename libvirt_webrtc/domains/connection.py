"""One connection to libvirt, for asyncio.

Every call runs in a thread (a call on the loop's thread hangs everything while libvirtd is slow). Events come
from libvirt's own thread and reach the loop by call_soon_threadsafe only; they may still come after
:meth:`Connection.close`, and are ignored then. A connection that is lost never recovers: open another.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Self, TypeVar

from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.domains.libvirt_api import (
    CLOSE_REASONS,
    EVENT_LIFECYCLE,
    EVENT_METADATA_CHANGE,
    SNAPSHOT_EVENTS,
    VirConnect,
    VirDomain,
    open_without_limit,
    our_errors,
)
from libvirt_webrtc.errors import HypervisorError, HypervisorUnavailable

T = TypeVar("T")

log = logging.getLogger(__name__)

CLOSE_S = 2.0
"""Seconds for which closing waits for libvirtd."""

CLOSED = "the connection to libvirt is closed"


class Connection:
    """An open connection that follows the events of all domains.

    Attributes:
        uri: of the libvirt that it leads to.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._loop = asyncio.get_running_loop()
        self._raw: VirConnect | None = None
        self._callbacks: list[int] = []
        self._changed: set[str] = set()
        self._reverted: set[str] = set()
        self._wake = asyncio.Event()
        self._lost: str | None = None
        self._calls = 0
        self._call_ended = threading.Condition()

    @classmethod
    async def open(cls, uri: str) -> Self:
        """Connect, then register for events, so that what is read afterwards misses none.

        Raises HypervisorUnavailable. Takes as long as libvirtd takes to answer.
        """
        self = cls(uri)
        self._raw = await in_thread(self._open, discard=self._close)
        return self

    async def call(
        self, function: Callable[[VirConnect], T], *, discard: Callable[[T], object] | None = None
    ) -> T:
        """What ``function`` gives, called in a thread with the raw connection.

        It turns libvirt's errors into ours itself; ``discard`` is as in :func:`in_thread`.
        """
        raw = self._raw
        if raw is None:
            raise HypervisorUnavailable(CLOSED)
        with self._call_ended:
            self._calls += 1
        return await in_thread(lambda: self._call(function, raw), discard=discard)

    async def next_changes(self) -> set[str]:
        """The UUIDs of the domains that something happened to since the last call; waits for the first.

        Raises HypervisorUnavailable when the connection is lost or closed.
        """
        await self._wake.wait()
        if self._lost is not None:
            raise HypervisorUnavailable(self._lost)
        self._wake.clear()
        changed, self._changed = self._changed, set()
        return changed

    def add_change(self, uuid: str) -> None:
        """Have :meth:`next_changes` name a domain. Called on the loop, also for each event."""
        self._changed.add(uuid)
        self._wake.set()

    def take_reverted(self) -> set[str]:
        """The UUIDs of the domains that were set back to a snapshot since the last call.

        :meth:`next_changes` names them as well, and not before.
        """
        reverted, self._reverted = self._reverted, set()
        return reverted

    async def close(self) -> None:
        """Close the connection. Idempotent; takes ``CLOSE_S`` at most, whatever libvirtd does."""
        raw, self._raw = self._raw, None
        self._set_lost(CLOSED)
        if raw is not None:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await in_thread(lambda: self._close_unused(raw))
            except TimeoutError:
                pass  # the thread goes on by itself, and ends when libvirtd answers or dies

    # What follows runs in threads.

    def _open(self) -> VirConnect:
        raw = open_without_limit(self.uri)
        try:
            with our_errors(f"cannot follow libvirt at {self.uri}"):
                raw.registerCloseCallback(self._on_close, None)
                for event, callback in (
                    (EVENT_LIFECYCLE, self._on_lifecycle),
                    (EVENT_METADATA_CHANGE, self._on_metadata),
                ):
                    self._callbacks.append(raw.domainEventRegisterAny(None, event, callback, None))
        except HypervisorError:
            self._close(raw)
            raise
        return raw

    def _call(self, function: Callable[[VirConnect], T], raw: VirConnect) -> T:
        try:
            return function(raw)
        finally:
            with self._call_ended:
                self._calls -= 1
                self._call_ended.notify_all()

    def _close_unused(self, raw: VirConnect) -> None:
        """Close when no call uses the connection any more: closing frees memory that a running call needs."""
        with self._call_ended:
            self._call_ended.wait_for(lambda: not self._calls)
        self._close(raw)

    def _close(self, raw: VirConnect) -> None:
        for callback in self._callbacks:
            _attempt(partial(raw.domainEventDeregisterAny, callback))
        _attempt(raw.unregisterCloseCallback)
        _attempt(raw.close)

    # UUIDString reads memory, and calls nobody.

    def _on_lifecycle(self, _raw: VirConnect, domain: VirDomain, event: int, detail: int, _: object) -> None:
        if (event, detail) in SNAPSHOT_EVENTS:
            self._hop(self._add_reverted, domain.UUIDString())
        self._hop(self.add_change, domain.UUIDString())

    def _on_metadata(self, _raw: VirConnect, domain: VirDomain, *_details: object) -> None:
        self._hop(self.add_change, domain.UUIDString())

    def _on_close(self, _raw: VirConnect, reason: int, _opaque: None) -> None:
        self._hop(self._set_lost, CLOSE_REASONS.get(reason, "the connection to libvirt ended"))

    def _hop(self, function: Callable[[str], None], text: str) -> None:
        try:
            self._loop.call_soon_threadsafe(function, text)
        except RuntimeError:
            pass  # the loop is closed: nobody is there to be told

    # And this on the loop.

    def _add_reverted(self, uuid: str) -> None:
        self._reverted.add(uuid)

    def _set_lost(self, reason: str) -> None:
        if self._lost is None:
            self._lost = reason
        self._wake.set()


def _attempt(step: Callable[[], object]) -> None:
    """Do one step of closing. It fails where libvirtd is gone, and then there is nothing left to undo."""
    try:
        with our_errors("closing"):
            step()
    except HypervisorError as error:
        log.debug("closing a connection: %s", error)
