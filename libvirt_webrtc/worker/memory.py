"""How this process uses the C library's allocator."""

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
