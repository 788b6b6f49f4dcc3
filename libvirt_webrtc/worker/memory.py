"""How this process uses the C library's allocator."""

import asyncio
import ctypes

_LIBC = ctypes.CDLL(None)

_M_ARENA_MAX = -8
"""``malloc.h`` of glibc."""


def share_one_arena() -> None:
    """Have all threads of this process allocate from one arena. Call it before there is a second thread.

    An encoder's thread lives as long as somebody watches. glibc gives each thread an arena of its own, and what one
    thread leaves in pieces is never used by the next: a console grew by half a megabyte with every viewer.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_ARENA_MAX, 1)


def trim_heap() -> None:
    """Return freed memory to the system. glibc keeps it; other C libraries keep little."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)


class LateTrim:
    """Returns freed memory to the system a while after much of it was freed: once for many such events."""

    def __init__(self, delay_s: float) -> None:
        """
        Args:
            delay_s: seconds from the first event until memory is returned.
        """
        self._delay_s = delay_s
        self._timer: asyncio.TimerHandle | None = None

    def freed(self) -> None:
        """Say that much was freed, or will be within the delay. Needs a running event loop."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._delay_s, self._trim)

    def close(self) -> None:
        """Return nothing more. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()

    def _trim(self) -> None:
        self._timer = None
        trim_heap()
