"""Tells the audit log of consoles: opened by whom and in which role, and closed after how long and how many bytes."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.errors import LibvirtWebRTCError
from libvirt_webrtc.portal.audit import Audit, actor_of
from libvirt_webrtc.portal.audit_events import Actor, ConsoleClosed, ConsoleOpened, viewer_id
from libvirt_webrtc.portal.auth.session import OpenConsole


@dataclass(frozen=True, slots=True)
class _Opened:
    uuid: str
    event: ConsoleOpened
    actor: Actor
    at: float


class ConsoleLog:
    """Knows the consoles that are open, to tell once of the end of each.

    Args:
        agent: what tells of the ends.
        audit: what is told.
        clock: seconds that never jump.
    """

    def __init__(self, agent: Agent, audit: Audit, clock: Callable[[], float] = time.monotonic) -> None:
        self._agent = agent
        self._audit = audit
        self._clock = clock
        self._open: dict[str, _Opened] = {}

    def opened(
        self, request: web.Request, console: OpenConsole, transport: Literal["webrtc", "websocket"]
    ) -> None:
        """Tell that the user of this request has opened a console."""
        event = ConsoleOpened(
            domain=console.uuid,
            name=domain_name(self._agent, console.uuid),
            console=console.console,
            role=str(console.role),
            transport=transport,
            viewer=viewer_id(console.viewer),
        )
        actor = actor_of(request)
        self._open[console.viewer] = _Opened(console.uuid, event, actor, self._clock())
        self._audit.write(event, actor)

    async def follow(self) -> None:
        """Tell of each end. Does not return, also where the agent ends."""
        async for end in self._agent.watch_ends():
            self._closed(end.viewer, end.bytes_sent)
        await asyncio.Event().wait()

    async def sweep(self) -> None:
        """Tell of those whose end nobody told: it came before they were noted, or the agent was away."""
        for viewer, opened in list(self._open.items()):
            try:
                there = await self._agent.has_viewer(opened.uuid, viewer)
            except LibvirtWebRTCError:
                continue  # it cannot tell now
            if not there:
                self._closed(viewer, None)

    def close(self) -> None:
        """The portal ends, and all consoles with it."""
        for viewer in list(self._open):
            self._closed(viewer, None)

    def _closed(self, viewer: str, bytes_sent: int | None) -> None:
        opened = self._open.pop(viewer, None)
        if opened is None:
            return
        event = opened.event
        self._audit.write(
            ConsoleClosed(
                domain=event.domain,
                name=event.name,
                console=event.console,
                role=event.role,
                transport=event.transport,
                viewer=event.viewer,
                seconds=round(self._clock() - opened.at, 3),
                bytes_sent=bytes_sent,
            ),
            opened.actor,
        )


CONSOLE_LOG = web.AppKey("console_log", ConsoleLog)


def domain_name(agent: Agent, uuid: str) -> str:
    """The name of a domain in the list; empty where it is not in it."""
    return next((domain.name for domain in agent.list().domains if domain.uuid == uuid), "")
