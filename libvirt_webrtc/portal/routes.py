"""What each path answers; docs/protocol.md is the contract."""

import asyncio

from aiohttp import web

from libvirt_webrtc import __version__
from libvirt_webrtc.agent.interface import Action, Agent, ConsoleState
from libvirt_webrtc.config.ice import IceConfig
from libvirt_webrtc.errors import NoConsole
from libvirt_webrtc.portal.auth import Auth, session_of
from libvirt_webrtc.portal.body import read_text
from libvirt_webrtc.portal.events import send_events
from libvirt_webrtc.portal.pages import WebFiles
from libvirt_webrtc.portal.problems import BUSY_RETRY_S, Problem
from libvirt_webrtc.portal.sessions import OpenConsole, Sessions

SDP = "application/sdp"
OFFER_TIMEOUT_S = 8.0
"""Less than pages wait, so that they can tell what happened."""
ICE_RETRY_S = 60
"""``Retry-After`` of a configuration that somebody has to mend."""

_UUID = "{uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}}"
_CONSOLE = f"/api/domains/{_UUID}/consoles/{{console:[0-9]{{1,3}}}}"
_WHEP = f"{_CONSOLE}/whep"


class Routes:
    """The handlers, on one agent."""

    def __init__(
        self, agent: Agent, ice: IceConfig, auth: Auth, sessions: Sessions, web_files: WebFiles
    ) -> None:
        self._agent = agent
        self._ice = ice
        self._auth = auth
        self._sessions = sessions
        self._web_files = web_files

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register every path."""
        router.add_get("/healthz", self.health)
        router.add_get("/", self.list_page)
        router.add_get("/login", self.login_page)
        router.add_get(f"/console/{_UUID}", self.console_page)
        router.add_get("/static/{path:.+}", self.static)
        router.add_post("/api/session", self._auth.sign_in)
        router.add_delete("/api/session", self._auth.sign_out)
        router.add_get("/api/domains", self.domains)
        router.add_get("/api/events", self.events)
        router.add_post(f"/api/domains/{_UUID}/actions/{{action:[a-z]{{1,32}}}}", self.act)
        router.add_get(f"{_CONSOLE}/stats", self.stats)
        router.add_get("/webrtc-config", self.webrtc_config)
        router.add_post(_WHEP, self.offer)
        router.add_delete(_WHEP + "/{viewer}", self.close)

    async def health(self, request: web.Request) -> web.Response:
        """That the portal serves, whatever libvirt does."""
        return web.json_response({"status": "ok", "version": __version__})

    async def list_page(self, request: web.Request) -> web.Response:
        """The page with all domains."""
        return self._web_files.response(request, "index.html")

    async def login_page(self, request: web.Request) -> web.Response:
        """The page that asks for the token."""
        return self._web_files.response(request, "login.html")

    async def console_page(self, request: web.Request) -> web.Response:
        """The page of one domain's console; whether there is such a domain is for the page to show."""
        return self._web_files.response(request, "console.html")

    async def static(self, request: web.Request) -> web.Response:
        """Scripts, styles and pictures."""
        return self._web_files.response(request, request.match_info["path"])

    async def domains(self, request: web.Request) -> web.Response:
        """The list, once."""
        return web.json_response(self._agent.list().as_json())

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The list, live."""
        return await send_events(request, self._agent, session_of(request))

    async def act(self, request: web.Request) -> web.Response:
        """Begin something; the list tells how it goes."""
        try:
            action = Action(request.match_info["action"])
        except ValueError as error:
            raise Problem(404, "no_such_action", 'a domain\'s "actions" tells what there is') from error
        await self._agent.act(request.match_info["uuid"].lower(), action)
        return web.Response(status=202)

    async def stats(self, request: web.Request) -> web.Response:
        """What a console's video does right now."""
        uuid, number = _which_console(request)
        try:
            return web.json_response((await self._agent.stats(uuid, number)).as_json())
        except NoConsole as error:
            raise Problem(*self._which(uuid), str(error)) from error

    async def webrtc_config(self, request: web.Request) -> web.Response:
        """The ICE servers, credentials included: the reason why this path needs a session."""
        return web.json_response(self._ice.as_json())

    async def offer(self, request: web.Request) -> web.Response:
        """A viewer's offer in, the console's answer out."""
        if self._ice.problem is not None:
            raise Problem(503, "ice_configuration", self._ice.problem, retry_after_s=ICE_RETRY_S)
        if request.content_type != SDP:
            raise Problem(415, "unsupported_media_type", f"an offer's Content-Type is {SDP}")
        sdp = await read_text(request)
        uuid, number = _which_console(request)
        try:
            async with asyncio.timeout(OFFER_TIMEOUT_S):
                answer = await self._agent.offer(uuid, number, sdp)
        except NoConsole as error:
            raise Problem(*self._which(uuid), str(error)) from error
        except TimeoutError as error:
            message = f"the console did not answer within {OFFER_TIMEOUT_S:.0f} seconds"
            raise Problem(503, "console_silent", message, retry_after_s=BUSY_RETRY_S) from error
        opened = OpenConsole(uuid, number, answer.viewer)
        if not await self._sessions.add_console(session_of(request), opened):
            raise Problem(401, "not_signed_in", "the session ended meanwhile")
        location = f"/api/domains/{uuid}/consoles/{number}/whep/{answer.viewer}"
        headers = {"Content-Type": SDP, "Location": location}
        return web.Response(status=201, body=answer.sdp.encode(), headers=headers)

    async def close(self, request: web.Request) -> web.Response:
        """End a viewer: only who opened it can."""
        consoles = session_of(request).consoles
        uuid, number = _which_console(request)
        asked = OpenConsole(uuid, number, request.match_info["viewer"])
        if consoles.get(asked.viewer) == asked:
            del consoles[asked.viewer]
            if await self._sessions.close_console(asked):
                return web.Response()
        raise Problem(404, "no_such_viewer", "this viewer is already gone")

    def _which(self, uuid: str) -> tuple[int, str]:
        """A console of a number that a ready domain does not have, or no console at all for now."""
        for domain in self._agent.list().domains:
            if domain.uuid == uuid and domain.console_state is ConsoleState.READY:
                return 404, "no_such_console"
        return 409, "no_console"


def _which_console(request: web.Request) -> tuple[str, int]:
    return request.match_info["uuid"].lower(), int(request.match_info["console"])
