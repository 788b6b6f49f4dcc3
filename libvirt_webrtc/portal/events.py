"""The list of domains as server-sent events."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator

from aiohttp import web

from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.concurrency.tasks import until_one_ends
from libvirt_webrtc.portal.auth.session import Session
from libvirt_webrtc.portal.connections import connection_of

log = logging.getLogger(__name__)

COMMENT_S = 15.0
"""Pause between comment lines: they keep proxies from closing the stream, and show when a client has vanished."""


async def send_events(request: web.Request, agent: Agent, session: Session) -> web.StreamResponse:
    """Send the whole list now and after each change, until the client leaves or the session or the agent ends."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    with session.streaming():
        try:
            await until_one_ends(
                _send_lists(response, agent),
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


async def _send_lists(response: web.StreamResponse, agent: Agent) -> None:
    lists = agent.watch()
    try:
        async for domains in lists:
            data = json.dumps(domains.as_json(), separators=(",", ":"))
            await response.write(b"data: " + data.encode() + b"\n\n")
    finally:
        # Cancelling the loop leaves the generator suspended. Close it now, not when it is garbage-collected.
        if isinstance(lists, AsyncGenerator):
            await lists.aclose()


async def _send_comments(response: web.StreamResponse) -> None:
    while True:
        await asyncio.sleep(COMMENT_S)
        await response.write(b":\n\n")
