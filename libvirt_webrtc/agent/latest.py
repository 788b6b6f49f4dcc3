"""A value that many tasks follow: each sees the newest, and misses what it was too slow for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestValue(Generic[T]):
    """Holds a value. Setting an equal one is no change."""

    def __init__(self, value: T) -> None:
        self._value = value
        self._version = 0
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def value(self) -> T:
        """The newest value."""
        return self._value

    def set(self, value: T) -> None:
        """Replace the value, and wake everyone who follows."""
        if value != self._value:
            self._value = value
            self._wake()

    def close(self) -> None:
        """End every :meth:`values`."""
        self._closed = True
        self._wake()

    async def values(self) -> AsyncIterator[T]:
        """The present value, then the newest one after every change, until :meth:`close`. May be cancelled."""
        seen = -1
        while not self._closed:
            if seen == self._version:
                await self._changed.wait()
                continue
            seen = self._version
            yield self._value

    def _wake(self) -> None:
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()
