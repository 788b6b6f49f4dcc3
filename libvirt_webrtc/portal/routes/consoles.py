"""WHEP: a viewer's offer, its answer and its end; and what a console's video does."""

import asyncio

from aiohttp import web

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.config.ice import IceConfig
from libvirt_webrtc.errors import NoConsole
from libvirt_webrtc.portal.addresses import arrival_of
from libvirt_webrtc.portal.auth.gate import grant_of, session_of
from libvirt_webrtc.portal.auth.guard import AccessGuard
from libvirt_webrtc.portal.auth.session import OpenConsole
from libvirt_webrtc.portal.auth.sessions import Sessions
from libvirt_webrtc.portal.body import read_sdp
from libvirt_webrtc.portal.console_log import CONSOLE_LOG
from libvirt_webrtc.portal.problems import Problem
from libvirt_webrtc.portal.routes.asked import CONSOLE, console_problem, meanwhile, which_console

SDP = "application/sdp"
ICE_RETRY_S = 60
"""``Retry-After`` of a configuration that somebody has to mend."""

_WHEP = f"{CONSOLE}/whep"


class ConsoleRoutes:
    """A console's signalling and statistics."""

    def __init__(self, agent: Agent, ice: IceConfig, sessions: Sessions, guard: AccessGuard) -> None:
        self._agent = agent
        self._ice = ice
        self._sessions = sessions
        self._guard = guard

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_get("/webrtc-config", self.webrtc_config)
        router.add_get(f"{CONSOLE}/stats", self.stats)
        router.add_post(_WHEP, self.offer)
        router.add_delete(_WHEP + "/{viewer}", self.close)

    async def webrtc_config(self, request: web.Request) -> web.Response:
        """The ICE servers, credentials included: the reason why only who can have a console gets them."""
        return web.json_response(self._ice.as_json())

    async def stats(self, request: web.Request) -> web.Response:
        """What a console's video does right now."""
        uuid, number = which_console(request)
        try:
            return web.json_response((await self._agent.stats(uuid, number)).as_json())
        except NoConsole as error:
            raise console_problem(self._agent, uuid, error) from error

    async def offer(self, request: web.Request) -> web.Response:
        """A viewer's offer in, the console's answer out."""
        if self._ice.problem is not None:
            raise Problem(503, "ice_configuration", self._ice.problem, retry_after_s=ICE_RETRY_S)
        if request.content_type != SDP:
            raise Problem(415, "unsupported_media_type", f"an offer's Content-Type is {SDP}")
        sdp = await read_sdp(request)
        uuid, number = which_console(request)
        grant = grant_of(request)
        try:
            async with asyncio.timeout(limits.AGENT_ANSWER_S):
                answer = await self._agent.offer(uuid, number, sdp, grant)
        except (NoConsole, TimeoutError) as error:
            raise console_problem(self._agent, uuid, error) from error
        opened = OpenConsole(uuid, number, answer.viewer, grant.role)
        if request.transport is None or request.transport.is_closing():
            await self._sessions.close_console(opened)
            raise ConnectionResetError("the client left before its offer was answered")
        session = session_of(request)
        if not await self._guard.add_console(session, opened):
            raise meanwhile(session)
        request.app[CONSOLE_LOG].opened(request, opened, "webrtc")
        location = f"{arrival_of(request).path}api/domains/{uuid}/consoles/{number}/whep/{answer.viewer}"
        headers = {"Content-Type": SDP, "Location": location}
        return web.Response(status=201, body=answer.sdp.encode(), headers=headers)

    async def close(self, request: web.Request) -> web.Response:
        """End a viewer: only the session that opened it can."""
        session = session_of(request)
        uuid, number = which_console(request)
        opened = session.consoles.get(request.match_info["viewer"])
        if opened is not None and (opened.uuid, opened.console) == (uuid, number):
            session.close_console(opened.viewer)
            if await self._sessions.close_console(opened):
                return web.Response()
        raise Problem(404, "no_such_viewer", "this viewer is already gone")
