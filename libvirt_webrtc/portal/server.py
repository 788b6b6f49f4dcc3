"""The portal on its address, from the token to the signal that ends it."""

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
"""For requests in flight, once the portal is told to end."""


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
        # The port is the system's choice where 0 was asked for.
        listening = ListenAddress(*runner.addresses[0][:2])
        with _termination() as terminated:
            _announce(replace(config, listen=listening), token)
            await terminated.wait()
    finally:
        await runner.cleanup()


def _announce(config: Config, token: str) -> None:
    """Where to go, on standard output. A kept token is not repeated there: its file is its place."""
    base = f"http://{config.listen.authority}"
    if config.token_file is not None:
        print(f"Portal: {base}/\nToken:  in {config.token_file}", flush=True)
    else:
        print(f"Portal: {base}/\nToken:  {token}\nOr open {base}/login#token={token}", flush=True)


@contextmanager
def _termination() -> Iterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets. At the end they do again what they do by default: end the process."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    try:
        yield event
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
