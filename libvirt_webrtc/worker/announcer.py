"""Tells one viewer what the guest changes, at a bounded rate."""

import asyncio
from collections.abc import Callable

INTERVAL_S = 1 / 60
"""Seconds between two messages of one kind: no screen shows more."""

BYTES_PER_S = 1_000_000
"""Of one kind of message. A pointer of 64 x 64 pixels may change at every turn, one of 512 x 512 once a second."""

MAX_BUFFERED_BYTES = 64 * 1024
"""What a channel may have unsent while more is told: a viewer on a narrow path gets fewer changes, and no queue."""


class Announcer:
    """Sends the newest of each kind of message: at once, or as soon as the rate and the viewer's path allow.

    A guest can move or define its pointer, or change its mode, as often as it likes. What is replaced before it was
    sent is not sent; the last one always is.
    """

    def __init__(self, send: Callable[[bytes], None], buffered: Callable[[], int]) -> None:
        """
        Args:
            send: sends a message to the viewer.
            buffered: how many bytes wait to be sent to it.
        """
        self._send = send
        self._buffered = buffered
        self._loop = asyncio.get_running_loop()
        self._next_at: dict[int, float] = {}
        self._waiting: dict[int, Callable[[], bytes]] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def tell(self, kind: int, make: Callable[[], bytes]) -> None:
        """Send what ``make`` returns, now or a little later. It is not called where a newer one of this kind comes."""
        self._waiting[kind] = make
        if kind not in self._timers:
            self._flush(kind)

    def close(self) -> None:
        """Send nothing more. Idempotent."""
        self._waiting.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _flush(self, kind: int) -> None:
        self._timers.pop(kind, None)
        make = self._waiting.get(kind)
        if make is None:
            return
        now = self._loop.time()
        if now < self._next_at.get(kind, 0.0):
            self._later(kind, self._next_at[kind])
        elif self._buffered() > MAX_BUFFERED_BYTES:
            self._later(kind, now + INTERVAL_S)
        else:
            del self._waiting[kind]
            message = make()
            self._next_at[kind] = now + max(INTERVAL_S, len(message) / BYTES_PER_S)
            self._send(message)

    def _later(self, kind: int, at: float) -> None:
        self._timers[kind] = self._loop.call_at(at, self._flush, kind)
