"""The listener through which QEMU sends one console's picture."""

import asyncio
import logging
from collections.abc import Callable

from libvirt_webrtc.agent import limits
from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.display.console import Console
from libvirt_webrtc.display.listener import Listener, ScanoutMode
from libvirt_webrtc.errors import ConsoleStarting, DisplayError

log = logging.getLogger(__name__)


class Registration:
    """Registers a listener with QEMU when the first viewer comes, and keeps it until QEMU ends it.

    It outlives display connections, because QEMU 9.0 to 10.x leaks a file descriptor for every listener that closes.

    Attributes:
        listener: the newest one, which may have ended; None before the first.
    """

    def __init__(self, make_listener: Callable[[], Listener]) -> None:
        self.listener: Listener | None = None
        self._make_listener = make_listener
        self._console: Console | None = None
        self._registering: asyncio.Task[None] | None = None
        self._tasks = TaskSet(expected=(DisplayError,))

    @property
    def lives(self) -> bool:
        """Whether QEMU sends the console's picture."""
        return self.listener is not None and not self.listener.closed

    @property
    def mode(self) -> ScanoutMode | None:
        """How the newest picture came; None before the first."""
        return self.listener.mode if self.listener is not None else None

    def use(self, console: Console | None) -> None:
        """Register with this console from now on; a listener that lives goes over to it. None: there is no display."""
        self._console = console
        if console is not None and self.listener is not None and not self.listener.closed:
            console.adopt(self.listener)

    async def listen(self) -> None:
        """Register with QEMU, unless a registration lives; nothing while there is no display.

        May be cancelled. A registration that has begun goes on where this is cancelled or takes too long: the next
        viewer finds it.

        Raises:
            ConsoleStarting: QEMU refuses, or has not answered within LISTEN_S.
        """
        if self._console is None or self.lives:
            return
        if self._registering is None:
            self._registering = self._tasks.start(self._register(self._console), name="register")
        try:
            async with asyncio.timeout(limits.LISTEN_S):
                await asyncio.shield(self._registering)
        except TimeoutError:
            raise ConsoleStarting(
                f"QEMU has not answered for {limits.LISTEN_S:.0f} seconds; its console comes once it does"
            ) from None
        except DisplayError as error:
            raise ConsoleStarting(f"QEMU would not show its console: {error}") from error

    def trim(self) -> None:
        """Give back memory that only a newer picture needs."""
        if self.listener is not None:
            self.listener.trim()

    async def close(self) -> None:
        """End the listener. Idempotent."""
        await self._tasks.close()
        if self.listener is not None:
            self.listener.close()

    async def _register(self, console: Console) -> None:
        try:
            listener = self._make_listener()
            await console.register_listener(listener)
            self.listener = listener
            if self._console is not None and self._console is not console:
                self._console.adopt(listener)
        finally:
            self._registering = None
