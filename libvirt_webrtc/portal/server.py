"""Serves the portal on its address until a signal ends the program."""

import logging
import sys
from dataclasses import replace

from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.config.load import Config, ReadConfig, state_dir
from libvirt_webrtc.logs import drop_unwritten
from libvirt_webrtc.portal.app import create_app
from libvirt_webrtc.portal.audit import Audit
from libvirt_webrtc.portal.auth.session_store import SessionStore
from libvirt_webrtc.portal.connections import ConnectionLimits
from libvirt_webrtc.portal.listener import PortalListener
from libvirt_webrtc.portal.reload import Reload
from libvirt_webrtc.portal.signals import Signals

log = logging.getLogger(__name__)


async def run_portal(agent: Agent, config: Config, token: str, read_config: ReadConfig) -> None:
    """Serve ``agent``'s consoles until SIGINT or SIGTERM. SIGHUP has the settings read again, with ``read_config``.

    Raises:
        ConfigError: the address is taken, or the audit log cannot be opened.
    """
    reload = Reload(config, read_config)
    audit = Audit(config.audit)
    reload.on_reload(audit.reload, "audit")
    app = create_app(agent, config, token, audit=audit, reload=reload, store=_session_store(config, token))
    listener = PortalListener(app, ConnectionLimits.for_process())
    try:
        # Where port 0 was configured, the system has chosen one.
        listening = await listener.start(config.listen)
        async with Signals(reload.again) as signals:
            _announce(replace(config, listen=listening), token)
            await signals.terminated.wait()
    finally:
        await listener.close()
        audit.close()


def _session_store(config: Config, token: str) -> SessionStore | None:
    """Where sessions outlive the process: only where the next one has the same token and address."""
    if config.token_file is None or config.listen.port == 0:
        return None
    return SessionStore(state_dir() / "sessions" / f"{config.listen.authority}.json", token)


def _announce(config: Config, token: str) -> None:
    """Print where to go. The token is printed only where no file keeps it."""
    base = f"http://{config.listen.authority}"
    if config.token_file is not None:
        text = f"Portal: {base}/\nToken:  in {config.token_file}"
    else:
        text = f"Portal: {base}/\nToken:  {token}\nOr open {base}/login#token={token}"
    try:
        print(text, flush=True)
    except OSError as error:
        drop_unwritten(sys.stdout)
        lost = "" if config.token_file is not None else "; nobody can know the token: start with --token-file"
        log.warning("the portal is at %s/, which could not be printed: %s%s", base, error, lost)
