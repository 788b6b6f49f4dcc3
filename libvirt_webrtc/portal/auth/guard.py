"""Ends what users have open once the role that they opened it with is gone."""

import asyncio
import logging

from libvirt_webrtc.agent.interface import Agent, DomainView
from libvirt_webrtc.config.access_rules import access_gaps
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal.audit import Audit
from libvirt_webrtc.portal.audit_events import LOCAL, RolesChanged
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.session import OpenConsole, Session
from libvirt_webrtc.portal.auth.sessions import Sessions

log = logging.getLogger(__name__)


class AccessGuard:
    """Compares the roles that consoles were opened with and those that their users have now.

    The rules change when the settings are read again; a domain's name and tags change with its definition. A higher
    role counts from the next connection on, which the page makes by itself.
    """

    def __init__(self, agent: Agent, access: Access, sessions: Sessions, audit: Audit) -> None:
        self._agent = agent
        self._access = access
        self._sessions = sessions
        self._audit = audit

    async def reload(self, config: Config) -> None:
        """Decide by these settings from now on, and end what they do not grant any more."""
        changed = self._access.use(config.access)
        tell_gaps(config)
        ended = await self.check()
        if changed:
            self._audit.write(RolesChanged(rules=len(config.access), ended_consoles=ended), LOCAL)

    async def follow(self) -> None:
        """Check at each change of the domains. Does not return, also where the agent ends."""
        async for _ in self._agent.watch():
            await self.check()
        await asyncio.Event().wait()

    async def check(self) -> int:
        """End each console whose user has lost the role for it; returns how many."""
        domains = {domain.uuid: domain for domain in self._agent.list().domains}
        over = [
            (session, console)
            for session in self._sessions
            for console in session.consoles.values()
            if not self._holds(session, console, domains.get(console.uuid))
        ]
        for session, console in over:
            log.info("%s has no right any more to the console of %s", session.user.name, console.uuid)
            session.close_console(console.viewer)
        await asyncio.gather(*(self._sessions.end_console(console) for _, console in over))
        return len(over)

    async def add_console(self, session: Session, console: OpenConsole) -> bool:
        """Note what a session has opened.

        False, and the console is closed, where the session has ended meanwhile or its user lost the role.
        """
        if not await self._sessions.add_console(session, console):
            return False
        domain = next((one for one in self._agent.list().domains if one.uuid == console.uuid), None)
        if self._holds(session, console, domain):
            return True
        session.close_console(console.viewer)
        await self._sessions.close_console(console)
        return False

    def _holds(self, session: Session, console: OpenConsole, domain: DomainView | None) -> bool:
        if domain is None:
            return True  # it goes, and its worker with it; or it is not listed for a moment
        role = self._access.role(session.user, domain)
        return role is not None and role >= console.role


def tell_gaps(config: Config) -> None:
    """Log where the rules leave somebody who can sign in with nothing."""
    for gap in access_gaps(config.access, config.sign_in.methods):
        log.warning("%s", gap)
