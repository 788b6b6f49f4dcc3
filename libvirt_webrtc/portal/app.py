"""The portal as an aiohttp application."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Handler

from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.concurrency.tasks import LongLivedTask
from libvirt_webrtc.config.access import is_loopback
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal.auth.gate import Gate
from libvirt_webrtc.portal.auth.sessions import Clock, Sessions
from libvirt_webrtc.portal.problems import MAX_BODY_BYTES, Problem, problems
from libvirt_webrtc.portal.routes.consoles import ConsoleRoutes
from libvirt_webrtc.portal.routes.domains import DomainRoutes
from libvirt_webrtc.portal.routes.pages import PageRoutes
from libvirt_webrtc.portal.routes.session import SessionRoutes
from libvirt_webrtc.portal.web_files import WebFiles

SWEEP_S = 30.0
"""Between looks for consoles whose viewers are gone, and for sessions whose time is over."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "fullscreen=(self), keyboard-map=(self), clipboard-read=(self), clipboard-write=(self), "
        "autoplay=(self), camera=(), microphone=(), display-capture=(), geolocation=(), usb=(), serial=(), "
        "hid=(), midi=(), payment=()"
    ),
    "Server": "libvirt-webrtc",
}
"""On every answer. Pointer and keyboard lock have no policy that browsers know; they are allowed as it is."""


def create_app(
    agent: Agent,
    config: Config,
    token: str,
    *,
    web_files: WebFiles | None = None,
    clock: Clock = time.monotonic,
) -> web.Application:
    """The portal of one agent; ``token`` signs viewers in.

    Raises:
        ConfigError: the pages' files are missing.
    """
    sessions = Sessions(agent, clock)
    gate = Gate(token, sessions, clock)
    app = web.Application(
        middlewares=[problems, _check_host, gate.middleware], client_max_size=MAX_BODY_BYTES
    )
    PageRoutes(web_files or WebFiles.load()).add_to(app.router)
    SessionRoutes(gate, sessions).add_to(app.router)
    DomainRoutes(agent).add_to(app.router)
    ConsoleRoutes(agent, config.ice, sessions).add_to(app.router)
    app.on_response_prepare.append(_add_headers)

    async def end_streams(_: web.Application) -> None:
        # Before aiohttp waits for requests in progress, which a stream would never let end.
        sessions.close()

    async def sweep(_: web.Application) -> AsyncIterator[None]:
        task = LongLivedTask(partial(_sweep, sessions), name="session sweep")
        yield
        await task.close()

    app.on_shutdown.append(end_streams)
    app.cleanup_ctx.append(sweep)
    return app


async def _sweep(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        await sessions.sweep()


@web.middleware
async def _check_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only under a name of this machine: somebody else's name that points here (DNS rebinding) is refused.

    Any port is taken, since tunnels change it and a foreign site cannot make up the host.
    """
    if not is_loopback(_host_name(request.headers.get("Host", ""))):
        raise Problem(403, "wrong_host", "open this address as http://localhost and its port")
    return await handler(request)


def _host_name(host: str) -> str:
    """The name in a ``Host`` header; empty when it is not ``NAME``, ``NAME:PORT`` or ``[ADDRESS]:PORT``."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        return name if bracket and (not port or (port[0] == ":" and port[1:].isdecimal())) else ""
    name, colon, port = host.partition(":")
    return name.lower() if not colon or port.isdecimal() else ""


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
