"""A document of the provider's, kept for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from libvirt_webrtc.errors import ProviderUnavailable
from libvirt_webrtc.portal.auth.session import Clock

T = TypeVar("T")

KEEP_S = 3600.0
"""How long a document counts. What a provider withdraws, such as a key, is gone here after this long at most."""

RENEW_S = 10.0
"""Pause between two looks before that time: whoever is not signed in can cause them."""


class KeptDocument(Generic[T]):
    """Asks for a document when it is wanted, once for all who wait for it.

    A failure counts as well, for ``RENEW_S``: a provider that is away is not asked by everybody.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._asking = asyncio.Lock()
        self._asked_at: float | None = None
        self._found: T | None = None
        self._failure: ProviderUnavailable | None = None

    async def get(self) -> T:
        """The document, at most ``KEEP_S`` old. May be cancelled.

        Raises:
            ProviderUnavailable: it cannot be had, or could not just now.
        """
        async with self._asking:
            if self._found is None or self._age_s() >= KEEP_S:
                await self._renew()
            assert self._found is not None
            return self._found

    async def get_newer(self, old: T) -> T:
        """The document, where ``old`` was not enough; that one again where it was looked for just now.

        Raises:
            ProviderUnavailable: it cannot be had.
        """
        async with self._asking:
            if self._found is old and self._age_s() >= RENEW_S:
                await self._renew()
            return old if self._found is None else self._found

    async def _renew(self) -> None:
        if self._failure is not None and self._age_s() < RENEW_S:
            raise ProviderUnavailable(str(self._failure)) from self._failure
        try:
            found = await self._ask()
        except ProviderUnavailable as error:
            self._failure, self._asked_at = error, self._clock()
            raise
        self._found, self._failure, self._asked_at = found, None, self._clock()

    def _age_s(self) -> float:
        return float("inf") if self._asked_at is None else self._clock() - self._asked_at
