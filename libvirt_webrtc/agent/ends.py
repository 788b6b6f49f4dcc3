"""The ends of viewers, for whoever keeps a record of them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ViewerEnd:
    """A viewer is gone, however it ended."""

    viewer: str
    """As its :class:`Answer` named it."""
    bytes_sent: int
    """Of encoded pictures; up to half a second's are missing where its worker was killed."""


class ViewerEnds:
    """Tells each end to everybody who watches at that time: none is left out."""

    def __init__(self) -> None:
        self._watchers: set[asyncio.Queue[ViewerEnd | None]] = set()

    def tell(self, end: ViewerEnd) -> None:
        """Note one end."""
        for watcher in self._watchers:
            watcher.put_nowait(end)

    def close(self) -> None:
        """End every :meth:`watch`, after what it has not told yet."""
        for watcher in self._watchers:
            watcher.put_nowait(None)

    async def watch(self) -> AsyncIterator[ViewerEnd]:
        """Each end from now on, until :meth:`close`. May be cancelled."""
        ends: asyncio.Queue[ViewerEnd | None] = asyncio.Queue()
        self._watchers.add(ends)
        try:
            while (end := await ends.get()) is not None:
                yield end
        finally:
            self._watchers.discard(ends)
