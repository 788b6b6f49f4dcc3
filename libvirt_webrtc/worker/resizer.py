"""Sizes that viewers would like a console's picture to have, on their way to QEMU."""

import asyncio
import logging
from collections.abc import Callable

from libvirt_webrtc.display.calls import CallFailed
from libvirt_webrtc.display.console import Console
from libvirt_webrtc.errors import DisplayError
from libvirt_webrtc.input.messages import Resize

log = logging.getLogger(__name__)

Answer = Callable[[bool], None]


class Resizer:
    """Asks for one size at a time; of those that come meanwhile the newest counts, whoever's it is.

    ``console`` is the present one, or None while there is no display.
    """

    def __init__(self, console: Callable[[], Console | None]) -> None:
        self._console = console
        self._next: tuple[Resize, Answer] | None = None
        self._task: asyncio.Task[None] | None = None

    def ask(self, wanted: Resize, answer: Answer) -> None:
        """``answer`` is told whether the display device takes a size; nothing where another one overtook this."""
        self._next = (wanted, answer)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="resize")

    async def close(self) -> None:
        """Ask for nothing more; again is fine."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            while self._next is not None:
                (wanted, answer), self._next = self._next, None
                console = self._console()
                if console is None:
                    continue
                try:
                    await console.set_ui_info(wanted.width, wanted.height, wanted.width_mm, wanted.height_mm)
                except CallFailed as error:
                    log.info("console %s takes no size: %s", console.index, error)
                    answer(False)
                except DisplayError as error:
                    # The display is opened again, and the page asks again when its viewer wants another size.
                    log.debug("console %s: %s", console.index, error)
                else:
                    answer(True)
        finally:
            self._task = None
