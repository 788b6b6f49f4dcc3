"""Notices a worker whose event loop stands still."""

import asyncio
from contextlib import suppress

from libvirt_webrtc.worker.ipc import BEAT_INTERVAL_S

START_TIMEOUT_S = 20.0
"""Seconds for the first beat: a fork on a busy machine, and the imports of graphics."""

OVERDUE_S = 2 * BEAT_INTERVAL_S
"""Seconds without a beat, after which a worker is looked at closely. Before that it costs nobody a wake-up."""

WATCHDOG_INTERVAL_S = 0.25
"""Seconds between two close looks."""

MISSED_TICKS = 4
"""Close looks without a beat, after which a worker counts as hung: less than 2 s after it stopped. They are counted in
turns of our own event loop, so that a delay on this side never kills a healthy worker."""


class Watchdog:
    """Counts a worker's beats.

    Attributes:
        beats: how many came.
    """

    def __init__(self) -> None:
        self.beats = 0
        self._first_beat = asyncio.Event()
        self._last_beat = asyncio.get_running_loop().time()

    def beat(self) -> None:
        """The worker's event loop turns."""
        self.beats += 1
        self._first_beat.set()
        self._last_beat = asyncio.get_running_loop().time()

    async def hang(self) -> None:
        """Return when the worker hangs: within 2 s of its last beat, or START_TIMEOUT_S where none came. May be
        cancelled."""
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):  # then it is overdue indeed
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._first_beat.wait()
        missed = 0
        while missed < MISSED_TICKS:
            seen = self.beats
            overdue = self._last_beat + OVERDUE_S
            await asyncio.sleep(max(overdue - loop.time(), WATCHDOG_INTERVAL_S))
            missed = missed + 1 if self.beats == seen else 0
