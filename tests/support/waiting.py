"""Waits until a condition of another process holds, never for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

POLL_S = 0.05


class NeverHappened(AssertionError):
    """The deadline passed before the condition held."""


def wait_until(probe: Callable[[], Value | None], what: str, deadline_s: float = 30.0) -> Value:
    """The first value of ``probe`` that is true.

    Raises:
        NeverHappened: none was within ``deadline_s``, which only guards against waiting for ever.
    """
    end = time.monotonic() + deadline_s
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise NeverHappened(f"{what}: not within {deadline_s:g} s")
        time.sleep(POLL_S)
