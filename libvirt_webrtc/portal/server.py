"""Serves the portal on its address until a signal ends the program."""

import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.concurrency.tasks import LongLivedTask
from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.config.load import Config, ReadConfig, state_dir
from libvirt_webrtc.portal.announcement import announce
from libvirt_webrtc.portal.app import create_app
from libvirt_webrtc.portal.audit import Audit
from libvirt_webrtc.portal.auth.session_store import SessionStore
from libvirt_webrtc.portal.connections import ConnectionLimits
from libvirt_webrtc.portal.host_names import HostNames
from libvirt_webrtc.portal.listener import PortalListener
from libvirt_webrtc.portal.reload import Reload
from libvirt_webrtc.portal.signals import Signals
from libvirt_webrtc.portal.tls.machine_names import machine_names
from libvirt_webrtc.portal.tls.portal_certificate import PortalCertificate

log = logging.getLogger(__name__)

INSECURE = (
    "INSECURE: plain HTTP at %s, as insecure says: everybody on the way reads logins, keystrokes and screens, and can "
    "change them"
)


async def run_portal(agent: Agent, config: Config, token: str, read_config: ReadConfig) -> None:
    """Serve ``agent``'s consoles until SIGINT or SIGTERM. SIGHUP has the settings read again, with ``read_config``.

    Raises:
        ConfigError: the address is taken, or the certificate or the audit log cannot be used.
    """
    reload = Reload(config, read_config)
    async with AsyncExitStack() as stack:
        audit = Audit(config.audit)
        stack.callback(audit.close)
        reload.on_reload(audit.reload, "audit")
        certificate = await _follow_certificate(config, reload, stack)
        machine = frozenset() if config.listen.is_loopback else await in_thread(machine_names)
        app = create_app(
            agent,
            config,
            token,
            audit=audit,
            names=HostNames(config.listen, machine, certificate),
            reload=reload,
            store=_session_store(config, token),
        )
        listener = PortalListener(app, ConnectionLimits.for_process())
        stack.push_async_callback(listener.close)
        # Where port 0 was configured, the system has chosen one.
        listening = await listener.start(config.listen, certificate)
        if not config.needs_tls and not config.listen.is_loopback:
            log.warning(INSECURE, listening.authority)
        async with Signals(reload.again) as signals:
            announce(replace(config, listen=listening), token, certificate)
            await signals.terminated.wait()


async def _follow_certificate(
    config: Config, reload: Reload, stack: AsyncExitStack
) -> PortalCertificate | None:
    """The certificate that is served with, followed until the stack is closed; None for plain HTTP."""
    if not config.needs_tls:
        return None
    certificate = await in_thread(partial(PortalCertificate, config))
    following = LongLivedTask(certificate.follow, name="following the certificate")
    stack.push_async_callback(following.close)
    reload.on_reload(certificate.reload, "tls")
    return certificate


def _session_store(config: Config, token: str) -> SessionStore | None:
    """Where sessions outlive the process: only where the next one has the same token and address."""
    if "token" not in config.sign_in.methods:
        token = ""  # nobody signs in with it, and another one ends no session
    elif config.token_file is None:
        return None
    if config.listen.port == 0:
        return None
    return SessionStore(state_dir() / "sessions" / f"{config.listen.authority}.json", token)
