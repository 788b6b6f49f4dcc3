"""The C library's memory."""

import ctypes

_LIBC = ctypes.CDLL(None)

_M_ARENA_MAX = -8
"""``malloc.h`` of glibc."""


def share_one_arena() -> None:
    """Have all threads of this process allocate from one place; to be called before there are any.

    An encoder's thread lives as long as somebody watches. With glibc's arena for each thread, what one leaves in
    pieces is never used by the next, and a console grew by half a megabyte with every viewer.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_ARENA_MAX, 1)


def trim_heap() -> None:
    """Return freed memory to the system; glibc keeps it, others keep little."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)
