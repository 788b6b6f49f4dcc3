"""HTTP to the OpenID provider: JSON answers of a bounded size, in a bounded time, from where its documents say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from libvirt_webrtc.config.oidc import is_secure
from libvirt_webrtc.errors import ProviderUnavailable
from libvirt_webrtc.portal.oidc.resolver import DaemonResolver

ANSWER_S = 4.0
"""For one request, name resolution and TLS included. A sign-in takes four at most, and the page waits 10 s for it:
``portal/oidc/provider.py`` bounds them all together."""

SIZE_LIMIT = 512 * 1024
"""Bytes of an answer. Real ones have some 10 KiB."""


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What a provider answered."""

    status: int
    content: dict[str, Any]
    """Of the JSON object; empty where there is none."""
    date_s: float | None
    """The provider's clock, in seconds since 1970; None where it does not tell."""


class ProviderHttp:
    """Connections to the provider, from the first request to :meth:`close`."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at ``url``.

        Raises:
            ProviderUnavailable: there is none.
        """
        answer = await self.ask("GET", url, headers=headers)
        if answer.status != 200:
            raise ProviderUnavailable(f"{url} answers with status {answer.status}, where 200 is expected")
        return answer.content

    async def ask(
        self, method: str, url: str, *, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> ProviderAnswer:
        """The answer to a request, whatever its status. Takes ``ANSWER_S`` at most.

        Redirections are not followed: a client's secret would go along.

        Raises:
            ProviderUnavailable: there is no answer, its 200 is no JSON object, or ``url`` is plain HTTP.
        """
        if not is_secure(url):
            raise ProviderUnavailable(f"the provider names {url!r}, which is no https URL")
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        try:
            async with self._open().request(
                method, url, data=body, headers=sent, allow_redirects=False
            ) as response:
                content = await _read(response)
        except TimeoutError as error:
            raise ProviderUnavailable(f"{url} does not answer within {ANSWER_S:g} s") from error
        except (ClientError, OSError, ValueError) as error:
            raise ProviderUnavailable(f"{url} cannot be reached: {error or type(error).__name__}") from error
        found = _object(content)
        if found is None and response.status == 200:
            raise ProviderUnavailable(f"{url} answers with something else than a JSON object")
        return ProviderAnswer(response.status, found or {}, _date(response.headers.get("Date")))

    async def close(self) -> None:
        """End all connections. Idempotent."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(resolver=DaemonResolver()),
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=ANSWER_S),
                auto_decompress=False,
            )
        return self._session


async def _read(response: ClientResponse) -> bytes:
    content = bytearray()
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > SIZE_LIMIT:
            raise ValueError(f"its answer is longer than {SIZE_LIMIT} bytes")
    return bytes(content)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _date(header: str | None) -> float | None:
    try:
        return parsedate_to_datetime(header or "").timestamp()
    except ValueError:
        return None
