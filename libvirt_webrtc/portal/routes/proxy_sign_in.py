"""Signing in by the word of a reverse proxy that has let its user in already."""

from aiohttp import web

from libvirt_webrtc.portal.audit import signed_in, signing_in
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.cookie import set_cookie
from libvirt_webrtc.portal.auth.proxy_header import ProxyHeader
from libvirt_webrtc.portal.auth.session import ABSOLUTE_S
from libvirt_webrtc.portal.auth.sessions import Sessions
from libvirt_webrtc.portal.auth.user import Method


class ProxySignInRoutes:
    """The header for a session, which then counts like any other, as long as the header does not contradict it."""

    def __init__(self, header: ProxyHeader, sessions: Sessions, access: Access) -> None:
        self._access = access
        self._header = header
        self._sessions = sessions

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_post("/api/session/proxy", self.finish)

    async def finish(self, request: web.Request) -> web.Response:
        """``POST /api/session/proxy``: the header for a cookie and a key."""
        signing_in(request, None, Method.PROXY)
        user = self._header.user(request)
        signing_in(request, user.name, Method.PROXY)
        self._access.check_named(user)
        made = await self._sessions.start(user)
        signed_in(request, user.name, Method.PROXY, made.id)
        response = web.json_response({"key": made.key, "next": ""})
        set_cookie(response, request, made.cookie, ABSOLUTE_S)
        return response
