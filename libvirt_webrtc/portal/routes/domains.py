"""The list of domains, and what may be done about them."""

from aiohttp import web

from libvirt_webrtc.agent.interface import Action, Agent
from libvirt_webrtc.errors import LibvirtWebRTCError
from libvirt_webrtc.portal.audit import record
from libvirt_webrtc.portal.audit_events import ActionAsked
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.gate import session_of
from libvirt_webrtc.portal.console_log import domain_name
from libvirt_webrtc.portal.events import send_events
from libvirt_webrtc.portal.problems import Problem
from libvirt_webrtc.portal.routes.paths import UUID
from libvirt_webrtc.portal.shown import shown_list


class DomainRoutes:
    """The list, once and live, and actions."""

    def __init__(self, agent: Agent, access: Access) -> None:
        self._agent = agent
        self._access = access

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_get("/api/domains", self.domains)
        router.add_get("/api/events", self.events)
        router.add_post(f"/api/domains/{UUID}/actions/{{action:[a-z]{{1,32}}}}", self.act)

    async def domains(self, request: web.Request) -> web.Response:
        """The list, once."""
        return web.json_response(shown_list(self._agent.list(), session_of(request).user, self._access))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The list, live."""
        return await send_events(request, self._agent, session_of(request), self._access)

    async def act(self, request: web.Request) -> web.Response:
        """Begin an action; the list tells how it goes."""
        action = Action(request.match_info["action"])
        uuid = request.match_info["uuid"].lower()
        name = domain_name(self._agent, uuid)
        try:
            await self._agent.act(uuid, action)
        except LibvirtWebRTCError as error:
            reason = Problem.of(error).kind
            record(
                request, ActionAsked(domain=uuid, name=name, action=action, outcome="failed", reason=reason)
            )
            raise
        record(request, ActionAsked(domain=uuid, name=name, action=action, outcome="begun"))
        return web.Response(status=202)
