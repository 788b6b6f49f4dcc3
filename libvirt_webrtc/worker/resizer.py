"""Asks QEMU for the sizes that viewers would like a console's picture to have."""

import asyncio
import logging
from collections.abc import Callable

from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.display.calls import CallFailed
from libvirt_webrtc.display.console import Console
from libvirt_webrtc.errors import DisplayError
from libvirt_webrtc.input.messages import Resize

log = logging.getLogger(__name__)

INTERVAL_S = 0.1
"""Seconds between two sizes that QEMU is asked for."""

OnResized = Callable[[bool], None]
"""Told whether the display device takes a size."""


class Resizer:
    """Asks for one size at a time, and for ten a second at most: each makes the guest change its mode.

    Of the sizes that come meanwhile, of whichever viewer, the newest counts.
    """

    def __init__(self, console: Callable[[], Console | None]) -> None:
        """``console`` gives the present console, or None while there is no display."""
        self._console = console
        self._next: tuple[Resize, OnResized] | None = None
        self._asking = False
        self._tasks = TaskSet()

    def ask(self, wanted: Resize, on_resized: OnResized) -> None:
        """Ask for this size soon; ``on_resized`` is not called where another size overtakes it."""
        self._next = (wanted, on_resized)
        if not self._asking:
            self._asking = True
            self._tasks.start(self._run(), name="resize")

    async def close(self) -> None:
        """Ask for nothing more. Idempotent."""
        await self._tasks.close()

    async def _run(self) -> None:
        try:
            while self._next is not None:
                (wanted, on_resized), self._next = self._next, None
                if (console := self._console()) is not None:
                    await _set_size(console, wanted, on_resized)
                await asyncio.sleep(INTERVAL_S)
        finally:
            self._asking = False


async def _set_size(console: Console, wanted: Resize, on_resized: OnResized) -> None:
    try:
        await console.set_ui_info(wanted.width, wanted.height, wanted.width_mm, wanted.height_mm)
    except CallFailed:
        # Not for the log: a viewer can ask as often as it likes, and is told.
        on_resized(False)
    except DisplayError as error:
        # The display is opened again, and the page asks again when its viewer wants another size.
        log.debug("console %s: %s", console.index, error)
    else:
        on_resized(True)
