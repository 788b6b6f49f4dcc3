"""What the signals mean that end the program, or have it read its settings again."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Self

from libvirt_webrtc.concurrency.tasks import LongLivedTask


class Signals:
    """Between entering and leaving it, signals do what is said here; afterwards what they do by default.

    Attributes:
        terminated: set by SIGINT and SIGTERM.
    """

    def __init__(self, on_hangup: Callable[[], Awaitable[None]]) -> None:
        """``on_hangup`` is called on SIGHUP: once more, where another one comes meanwhile.

        A terminal that closes sends SIGHUP as well: that ends a program which was started in it, unless ``nohup`` did.
        """
        self.terminated = asyncio.Event()
        self._on_hangup = on_hangup
        self._hung_up = asyncio.Event()
        self._ends_with_terminal = False
        self._hearing: LongLivedTask | None = None

    async def __aenter__(self) -> Self:
        self._ends_with_terminal = _has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self.terminated.set)
        loop.add_signal_handler(signal.SIGTERM, self.terminated.set)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        self._hearing = LongLivedTask(self._hear, name="SIGHUP")
        return self

    async def __aexit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)
        if self._hearing is not None:
            await self._hearing.close()

    def _hang_up(self) -> None:
        if self._ends_with_terminal and not _has_terminal():
            self.terminated.set()
        else:
            self._hung_up.set()

    async def _hear(self) -> None:
        while True:
            await self._hung_up.wait()
            self._hung_up.clear()
            await self._on_hangup()


def _has_terminal() -> bool:
    """Whether the terminal that this process was started in is there; False where it was started in none."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
