"""What a worker whose viewers have gone gives back."""

import ctypes
import gc

_LIBC = ctypes.CDLL(None)


def give_back() -> None:
    """Return to the system what nobody uses any more; some milliseconds.

    That is what aiortc leaves behind in reference cycles, and what glibc keeps of freed memory, in an arena for each
    thread that there was. Other C libraries keep little.
    """
    gc.collect()
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)
