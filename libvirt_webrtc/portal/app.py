"""The portal as an aiohttp application: middlewares, routes, response headers, and the sweep of sessions."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from aiohttp import web

from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.concurrency.tasks import LongLivedTask
from libvirt_webrtc.config.load import Config, state_dir
from libvirt_webrtc.config.sign_in import SignInConfig
from libvirt_webrtc.portal.answers import problems
from libvirt_webrtc.portal.audit import AUDIT, Audit
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.gate import Gate
from libvirt_webrtc.portal.auth.guard import AccessGuard, tell_gaps
from libvirt_webrtc.portal.auth.methods import offered_methods
from libvirt_webrtc.portal.auth.proxy_header import ProxyHeader
from libvirt_webrtc.portal.auth.session import Clock
from libvirt_webrtc.portal.auth.session_store import SessionStore
from libvirt_webrtc.portal.auth.sessions import Sessions
from libvirt_webrtc.portal.auth.system_users import SystemUsers
from libvirt_webrtc.portal.auth.throttle import Throttle
from libvirt_webrtc.portal.auth.totp import FILE_NAME, TotpFile
from libvirt_webrtc.portal.console_log import CONSOLE_LOG, ConsoleLog
from libvirt_webrtc.portal.headers import add_headers
from libvirt_webrtc.portal.host_names import HostNames, host_name, is_named
from libvirt_webrtc.portal.issued.lifetime import Clocks
from libvirt_webrtc.portal.issued.live import IssuedSecrets
from libvirt_webrtc.portal.oidc.provider import OidcProvider
from libvirt_webrtc.portal.problems import MAX_BODY_BYTES
from libvirt_webrtc.portal.reload import Reload
from libvirt_webrtc.portal.routes.consoles import ConsoleRoutes
from libvirt_webrtc.portal.routes.domains import DomainRoutes
from libvirt_webrtc.portal.routes.links import LinkRoutes
from libvirt_webrtc.portal.routes.oidc import OidcRoutes
from libvirt_webrtc.portal.routes.pages import PageRoutes
from libvirt_webrtc.portal.routes.proxy_sign_in import ProxySignInRoutes
from libvirt_webrtc.portal.routes.session import SessionRoutes
from libvirt_webrtc.portal.routes.streams import StreamRoutes
from libvirt_webrtc.portal.site import Site
from libvirt_webrtc.portal.sub_path import SubPath
from libvirt_webrtc.portal.web_files import WebFiles

STRICT_TRANSPORT = "max-age=31536000"
"""For a year browsers use this host name with HTTPS only. They heed it where they trust the certificate."""

SWEEP_S = 30.0
"""Pause between two sweeps, which forget viewers that are gone and end sessions whose time is over."""


def create_app(
    agent: Agent,
    config: Config,
    token: str,
    *,
    audit: Audit | None = None,
    names: HostNames | None = None,
    reload: Reload | None = None,
    web_files: WebFiles | None = None,
    clock: Clock = time.monotonic,
    store: SessionStore | None = None,
    issued_folder: Path | None = None,
) -> web.Application:
    """The application that serves ``agent``'s consoles to whoever signs in with ``token``.

    Args:
        agent: what runs the domains.
        config: of the whole program; the ICE servers are taken from it.
        token: what users sign in with, where the settings have that.
        audit: what is told who did what; None: the log.
        names: under which it answers; None: those of loopback, as its address is.
        reload: tells what is put into force without a restart that the settings have changed; None: they never do.
        web_files: the pages; by default those of the installed package.
        clock: seconds that never jump; tests set their own.
        store: where sessions outlive this process; None: nowhere.
        issued_folder: where API tokens and share links are kept; None: in the state folder.

    Raises:
        ConfigError: the pages' files are missing, or the file of a secret cannot be used.
    """
    audit = audit or Audit()
    sessions = Sessions(agent, clock, store, audit)
    console_log = ConsoleLog(agent, audit, clock)
    issued = IssuedSecrets(issued_folder or state_dir(), config, sessions, Clocks.of_system(), audit)
    access = Access(config.access)
    guard = AccessGuard(agent, access, sessions, audit)
    tell_gaps(config)
    if reload is not None:
        reload.on_reload(issued.reload, "share")
        reload.on_reload(guard.reload, "access")
    throttle = Throttle(clock)
    proxy_header = ProxyHeader(config.sign_in)
    by_token = token if "token" in config.sign_in.methods else None
    gate = Gate(by_token, sessions, issued, proxy_header, throttle, access, agent)
    site = Site(config.portal, names or HostNames(config.listen))
    app = web.Application(
        middlewares=[problems(), site.middleware, gate.middleware], client_max_size=MAX_BODY_BYTES
    )
    app[AUDIT] = audit
    app[CONSOLE_LOG] = console_log
    PageRoutes(web_files or WebFiles.load()).add_to(app.router)
    provider = _oidc_provider(config.sign_in, clock)
    oidc = OidcRoutes(provider, sessions, access, clock)
    oidc.add_to(app.router)
    ProxySignInRoutes(proxy_header, sessions, access).add_to(app.router)
    system_users = SystemUsers(config.sign_in.pam, TotpFile(state_dir() / FILE_NAME), throttle, clock)
    offered = offered_methods(config)
    session_routes = SessionRoutes(gate, sessions, access, system_users, offered, oidc.sign_out_url)
    session_routes.add_to(app.router)
    LinkRoutes(issued, sessions, throttle, access, agent).add_to(app.router)
    DomainRoutes(agent, access).add_to(app.router)
    ConsoleRoutes(agent, config.ice, sessions, guard).add_to(app.router)
    StreamRoutes(agent, guard).add_to(app.router)
    if (public := config.portal.public_url) is not None and public.path != "/":
        app.router.register_resource(SubPath(public.path, app.router))
    app.on_response_prepare.append(_add_headers)

    async def end_streams(_: web.Application) -> None:
        # aiohttp then waits for requests in progress, and an event stream would never end by itself.
        await sessions.close()

    async def sweep(_: web.Application) -> AsyncIterator[None]:
        # Before the first request: sessions of links that were revoked meanwhile, or of methods that are off now, may
        # have come back.
        await issued.look()
        tasks = [
            LongLivedTask(partial(_sweep, sessions, console_log), name="session sweep"),
            LongLivedTask(console_log.follow, name="console log"),
            LongLivedTask(issued.follow, name="API tokens and links"),
            LongLivedTask(guard.follow, name="access guard"),
        ]
        yield
        for task in tasks:
            await task.close()
        await sessions.stop()
        console_log.close()

    async def leave_provider(_: web.Application) -> None:
        if provider is not None:
            await provider.close()

    app.on_shutdown.append(end_streams)
    app.on_cleanup.append(leave_provider)
    app.cleanup_ctx.append(sweep)
    return app


def _oidc_provider(config: SignInConfig, clock: Clock) -> OidcProvider | None:
    if config.oidc is None or "oidc" not in config.methods:
        return None
    return OidcProvider(config.oidc, config.oidc.client_secret(), clock)


async def _sweep(sessions: Sessions, console_log: ConsoleLog) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        await sessions.sweep()
        await console_log.sweep()


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    add_headers(response.headers)
    if request.secure and is_named(host_name(request)):
        response.headers["Strict-Transport-Security"] = STRICT_TRANSPORT
