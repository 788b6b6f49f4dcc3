"""The C library's memory."""

import ctypes

_LIBC = ctypes.CDLL(None)


def trim_heap() -> None:
    """Return freed memory to the system; glibc keeps it, in an arena for each thread that there was, others little."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)
