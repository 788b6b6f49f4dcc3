"""Serves the portal on its address until a signal ends the program."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from aiohttp import web

from libvirt_webrtc.agent.interface import Agent
from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.app import create_app

SHUTDOWN_TIMEOUT_S = 2.0
"""How long requests in progress may take to end at shutdown."""


async def run_portal(agent: Agent, config: Config, token: str) -> None:
    """Serve ``agent``'s consoles until SIGINT or SIGTERM.

    Raises:
        ConfigError: the address is taken.
    """
    runner = web.AppRunner(
        create_app(agent, config, token), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.listen.host, config.listen.port)
        try:
            await site.start()
        except OSError as error:
            address = config.listen.authority
            raise ConfigError(f"cannot listen on {address}: {error}; choose another with --listen") from error
        # Where port 0 was configured, the system has chosen one.
        listening = ListenAddress(*runner.addresses[0][:2])
        with _termination() as terminated:
            _announce(replace(config, listen=listening), token)
            await terminated.wait()
    finally:
        await runner.cleanup()


def _announce(config: Config, token: str) -> None:
    """Print where to go. The token is printed only where no file keeps it."""
    base = f"http://{config.listen.authority}"
    if config.token_file is not None:
        print(f"Portal: {base}/\nToken:  in {config.token_file}", flush=True)
    else:
        print(f"Portal: {base}/\nToken:  {token}\nOr open {base}/login#token={token}", flush=True)


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
