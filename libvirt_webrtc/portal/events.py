"""The list of domains as server-sent events."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web

from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.concurrency.tasks import until_one_ends
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.session import Session
from libvirt_webrtc.portal.connections import connection_of
from libvirt_webrtc.portal.shown import shown_list

log = logging.getLogger(__name__)

COMMENT_S = 15.0
"""Pause between comment lines: they keep proxies from closing the stream, and show when a client has vanished."""


async def send_events(
    request: web.Request, agent: Agent, session: Session, access: Access
) -> web.StreamResponse:
    """Send the list as the session's user may see it, now and after each change of what that is.

    Until the client leaves, or the session or the agent ends.
    """
    # The second has nginx pass on each event at once, whatever its settings for buffering are.
    headers = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    stream = _ListStream(response, lambda: shown_list(agent.list(), session.user, access))
    with session.streaming():
        try:
            await until_one_ends(
                _each(agent.watch(), stream.send),
                _each(access.changes(), stream.send),
                _send_comments(response),
                session.leave.wait(),
                connection_of(request).lost.wait(),
            )
        except ConnectionError as error:
            log.debug("a client left its event stream: %s", error)
        except Exception:
            # The response has begun, so the error can no longer become a status.
            log.exception("unexpected: the event stream ends")
    return response


class _ListStream:
    """Sends what ``make`` returns where it is not what was sent last: others' domains change as well."""

    def __init__(self, response: web.StreamResponse, make: Callable[[], dict[str, Any]]) -> None:
        self._response = response
        self._make = make
        self._sent = ""

    async def send(self) -> None:
        data = json.dumps(self._make(), separators=(",", ":"))
        if data != self._sent:
            self._sent = data
            await self._response.write(b"data: " + data.encode() + b"\n\n")


async def _each(changes: AsyncIterator[object], react: Callable[[], Awaitable[None]]) -> None:
    try:
        async for _ in changes:
            await react()
    finally:
        # Cancelling the loop leaves the generator suspended. Close it now, not when it is garbage-collected.
        if isinstance(changes, AsyncGenerator):
            await changes.aclose()


async def _send_comments(response: web.StreamResponse) -> None:
    while True:
        await asyncio.sleep(COMMENT_S)
        await response.write(b":\n\n")
