"""Share links: made, listed and revoked by who may see the domain; opened by whoever has one."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.errors import LinkRefused
from libvirt_webrtc.portal.audit import record, signed_in, signing_in
from libvirt_webrtc.portal.audit_events import LinkChanged
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.cookie import CookieUse, set_cookie
from libvirt_webrtc.portal.auth.gate import grant_of, session_of
from libvirt_webrtc.portal.auth.session import ABSOLUTE_S
from libvirt_webrtc.portal.auth.sessions import Sessions
from libvirt_webrtc.portal.auth.throttle import Throttle
from libvirt_webrtc.portal.auth.user import Method, User
from libvirt_webrtc.portal.body import read_text
from libvirt_webrtc.portal.issued.live import IssuedSecrets
from libvirt_webrtc.portal.issued.share_links import ShareLink, WhyNot
from libvirt_webrtc.portal.problems import Problem
from libvirt_webrtc.portal.routes.paths import UUID

DEFAULT_S = 3600
"""How long a link lives where nobody says."""
SHORTEST_S = 60

_LINKS = f"/api/domains/{UUID}/links"


class _Wish(msgspec.Struct, forbid_unknown_fields=True):
    role: str = str(Role.VIEW)
    seconds: int = DEFAULT_S
    once: bool = False


class _Opening(msgspec.Struct, forbid_unknown_fields=True):
    secret: str


class LinkRoutes:
    """The links of a domain, and what opens one."""

    def __init__(
        self,
        issued: IssuedSecrets,
        sessions: Sessions,
        throttle: Throttle,
        access: Access,
        agent: Agent,
    ) -> None:
        self._issued = issued
        self._sessions = sessions
        self._throttle = throttle
        self._access = access
        self._agent = agent

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register the paths."""
        router.add_get(_LINKS, self.links)
        router.add_post(_LINKS, self.make)
        router.add_delete(_LINKS + "/{link:[0-9a-f]{8}}", self.revoke)
        router.add_post("/api/share", self.open)

    async def links(self, request: web.Request) -> web.Response:
        """The live links of a domain that this user made, or all for its admin; and what may be made."""
        most = min(grant_of(request).role, Role.CONTROL)
        return web.json_response(
            {
                "links": [self._as_json(link) for link in self._shown(request)],
                "roles": [str(role) for role in (Role.VIEW, Role.CONTROL) if role <= most],
                "longest_s": self._issued.share.longest_s,
            }
        )

    async def make(self, request: web.Request) -> web.Response:
        """A new link; the only answer that has its secret."""
        wish = _decode(await read_text(request), _Wish, '{"role": "view", "seconds": 3600, "once": false}')
        role = self._role_of(wish, grant_of(request).role)
        longest = self._issued.share.longest_s
        if not longest:
            raise Problem(403, "no_links", "the operator allows no links: longest_hours of [share] is 0")
        if not SHORTEST_S <= wish.seconds <= longest:
            message = f"'seconds' must be from {SHORTEST_S} to {longest}"
            raise Problem(400, "bad_request", message)
        uuid, owner = request.match_info["uuid"].lower(), session_of(request).user
        link, secret = await self._issued.make_link(uuid, role, wish.seconds, owner, once=wish.once)
        until = datetime.fromtimestamp(link.life.ends, UTC).isoformat(timespec="seconds")
        record(request, LinkChanged(change="made", link=link.id, domain=uuid, role=link.role, until=until))
        return web.json_response({"link": self._as_json(link), "secret": secret}, status=201)

    async def revoke(self, request: web.Request) -> web.Response:
        """Take a link back; what it opened has ended when this is answered."""
        for link in self._shown(request):
            if link.id == request.match_info["link"]:
                await self._issued.revoke_link(link)
                record(request, LinkChanged(change="revoked", link=link.id, domain=link.domain))
                return web.Response(status=204)
        raise Problem(404, "no_such_link", "this link is already gone")

    async def open(self, request: web.Request) -> web.Response:
        """A link's secret for a session that sees its console, and nothing else."""
        signing_in(request, None, str(Method.LINK))
        secret = _decode(await read_text(request), _Opening, '{"secret": "..."}').secret
        try:
            link = await self._issued.open_link(secret, self._is_good)
        except LinkRefused as error:
            if str(error) == WhyNot.UNKNOWN:
                raise await self._throttle.refuse(request, "link", str(error), "no_such_link") from None
            raise Problem(410, "link_over", str(error)) from error
        left = self._issued.seconds_left(link)
        made = await self._sessions.start(link.user, ends=self._sessions.now + left)
        signed_in(request, link.user.name, str(Method.LINK), made.id)
        record(request, LinkChanged(change="used", link=link.id, domain=link.domain, role=link.role))
        told = {"key": made.key, "link": link.id, "domain": link.domain, "role": link.role}
        response = web.json_response(told)
        set_cookie(response, request, made.cookie, int(min(left, ABSOLUTE_S)), CookieUse.LINK, link.id)
        return response

    def _is_good(self, link: ShareLink) -> bool:
        """Whether there is anything to see with it: whoever made it may have lost the right to."""
        domains = (domain for domain in self._agent.list().domains if domain.uuid == link.domain)
        return any(self._access.role(link.user, one) is not None for one in domains)

    def _shown(self, request: web.Request) -> list[ShareLink]:
        user = session_of(request).user
        links = self._issued.links_of(request.match_info["uuid"].lower())
        if grant_of(request).role is Role.ADMIN:
            return links
        return [link for link in links if _is_same(link.owner, user)]

    def _role_of(self, wish: _Wish, own: Role) -> Role:
        if wish.role not in (str(Role.VIEW), str(Role.CONTROL)):
            raise Problem(400, "bad_request", f"'role' must be {Role.VIEW} or {Role.CONTROL}")
        role = Role.parse(wish.role)
        if role > own:
            raise Problem(403, "role_too_low", f"a link gives no more than its maker has, which is {own}")
        return role

    def _as_json(self, link: ShareLink) -> dict[str, Any]:
        return {
            "id": link.id,
            "role": link.role,
            "once": link.once,
            "seconds_left": round(self._issued.seconds_left(link)),
            "opened": link.opened is not None,
            "owner": link.owner.name,
        }


def _is_same(one: User, other: User) -> bool:
    """Whether it is the same person or token; groups change from one sign-in to the next."""
    return (one.name, one.method, one.limit) == (other.name, other.method, other.limit)


def _decode(text: str, kind: type[msgspec.Struct], form: str) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise Problem(400, "bad_request", f"the body must be {form}: {error}") from error
