"""A console over the portal's own port: joins a WebSocket to the agent's stream, and does nothing else with either."""

import asyncio
import logging
import socket
from collections import Counter
from contextlib import suppress

from aiohttp import WSMsgType, web

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.interface import Agent, ViewerStream
from libvirt_webrtc.concurrency.tasks import until_one_ends
from libvirt_webrtc.errors import LibvirtWebRTCError
from libvirt_webrtc.portal.auth.cookie import STREAM_PROTOCOL
from libvirt_webrtc.portal.auth.gate import grant_of, session_of
from libvirt_webrtc.portal.auth.guard import AccessGuard
from libvirt_webrtc.portal.auth.session import OpenConsole, Session
from libvirt_webrtc.portal.connections import connection_of
from libvirt_webrtc.portal.console_log import CONSOLE_LOG
from libvirt_webrtc.portal.problems import BUSY_RETRY_S, Problem
from libvirt_webrtc.portal.routes.asked import CONSOLE, console_problem, meanwhile, which_console

log = logging.getLogger(__name__)

MAX_STREAMS = 32
"""Of one session: half of its connections, so that its pages still get others. Past it, another is refused."""

PING_S = 15.0
"""Pause between two pings: they keep proxies from closing a stream on which nothing moves, and show that the viewer has
gone. The worker notices a silent page sooner."""

CLOSE_S = 1.0
"""For how long a browser that does not read is waited for, in seconds, when its stream ends."""

UNSENT_BYTES = 32 * 1024
"""What the kernel takes beyond what is on its way to the browser, and what this process keeps besides: what waits here
is late."""


class StreamRoutes:
    """The streams of consoles."""

    def __init__(self, agent: Agent, guard: AccessGuard) -> None:
        self._agent = agent
        self._guard = guard
        self._streams: Counter[Session] = Counter()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the path."""
        router.add_get(f"{CONSOLE}/stream", self.stream, allow_head=False)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """A viewer's WebSocket, until either side closes it, or the session ends."""
        websocket = web.WebSocketResponse(
            protocols=(STREAM_PROTOCOL,),
            compress=False,
            heartbeat=PING_S,
            timeout=CLOSE_S,
            max_msg_size=limits.MAX_STREAM_MESSAGE,
            writer_limit=0,
        )
        if not websocket.can_prepare(request):
            raise Problem(426, "upgrade_required", "this address is for WebSockets only")
        session = session_of(request)
        if self._streams[session] >= MAX_STREAMS:
            message = f"this session has {MAX_STREAMS} streams, the most that there may be; close one of their pages"
            raise Problem(503, "too_many_streams", message, retry_after_s=BUSY_RETRY_S)
        self._streams[session] += 1
        try:
            await self._serve(request, websocket, session)
        finally:
            self._streams[session] -= 1
            self._streams += Counter()  # forget those that have none
        return websocket

    async def _serve(self, request: web.Request, websocket: web.WebSocketResponse, session: Session) -> None:
        uuid, number = which_console(request)
        grant = grant_of(request)
        try:
            async with asyncio.timeout(limits.AGENT_ANSWER_S):
                stream = await self._agent.open_stream(uuid, number, grant)
        except (LibvirtWebRTCError, TimeoutError) as error:
            raise console_problem(self._agent, uuid, error) from error
        opened = OpenConsole(uuid, number, stream.viewer, grant.role)
        try:
            if not await self._guard.add_console(session, opened):
                raise meanwhile(session)
            request.app[CONSOLE_LOG].opened(request, opened, "websocket")
            await websocket.prepare(request)
            _keep_little(request)
            await _join(websocket, stream, session, connection_of(request).lost)
        finally:
            stream.close()
            session.close_console(opened.viewer)
            if websocket.prepared:
                await _close(websocket, request)


async def _join(
    websocket: web.WebSocketResponse, stream: ViewerStream, session: Session, lost: asyncio.Event
) -> None:
    try:
        await until_one_ends(
            _to_viewer(websocket, stream), _from_viewer(websocket, stream), session.leave.wait(), lost.wait()
        )
    except (LibvirtWebRTCError, ConnectionError) as error:
        log.debug("a viewer's stream ends: %s", error)


async def _to_viewer(websocket: web.WebSocketResponse, stream: ViewerStream) -> None:
    while (message := await stream.receive()) is not None:
        await websocket.send_bytes(message)


async def _from_viewer(websocket: web.WebSocketResponse, stream: ViewerStream) -> None:
    async for message in websocket:
        if message.type is not WSMsgType.BINARY:
            return
        await stream.send(message.data)


async def _close(websocket: web.WebSocketResponse, request: web.Request) -> None:
    """Close it, or break it where the browser does not read what is left."""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(CLOSE_S):
            await websocket.close()
    connection_of(request).abort()


def _keep_little(request: web.Request) -> None:
    """Have what the browser does not take wait in the worker, which knows what to leave out."""
    if (transport := request.transport) is None:
        return
    transport.set_write_buffer_limits(high=UNSENT_BYTES)
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
