"""Serves the portal on its address until a signal ends the program."""

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.config.load import Config, state_dir
from libvirt_webrtc.logs import drop_unwritten
from libvirt_webrtc.portal.app import create_app
from libvirt_webrtc.portal.auth.session_store import SessionStore
from libvirt_webrtc.portal.connections import ConnectionLimits
from libvirt_webrtc.portal.listener import PortalListener

log = logging.getLogger(__name__)


async def run_portal(agent: Agent, config: Config, token: str) -> None:
    """Serve ``agent``'s consoles until SIGINT or SIGTERM.

    Raises:
        ConfigError: the address is taken.
    """
    app = create_app(agent, config, token, store=_session_store(config, token))
    listener = PortalListener(app, ConnectionLimits.for_process())
    try:
        # Where port 0 was configured, the system has chosen one.
        listening = await listener.start(config.listen)
        with _termination() as terminated:
            _announce(replace(config, listen=listening), token)
            await terminated.wait()
    finally:
        await listener.close()


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


@contextmanager
def _termination() -> Iterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets. On exit both end the process again, as they do by default."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    try:
        yield event
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
