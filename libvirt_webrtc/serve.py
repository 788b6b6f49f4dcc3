"""``libvirt-webrtc serve``: inventory, reconciler, supervisor and portal in one process."""

import asyncio
import logging
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from libvirt_webrtc.config import Config, ListenAddress, state_dir
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.domains.policy import Policy
from libvirt_webrtc.domains.reconciler import Reconciler
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.hook_policy import FILE_NAME, write_policy
from libvirt_webrtc.portal.app import create_app
from libvirt_webrtc.render_probe import can_render
from libvirt_webrtc.supervisor import Supervisor

log = logging.getLogger(__name__)

TOKEN_BYTES = 24
SHUTDOWN_TIMEOUT_S = 2.0
"""For requests in flight, once the portal is told to end."""


async def serve(config: Config) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        ConfigError: the address is taken, or the token file cannot be used.
    """
    token = load_token(config.token_file)
    _tell_hook(config)
    policy = Policy.of(config.auto_enable, config.gl, await asyncio.to_thread(can_render))
    async with (
        Inventory(config.uri, policy) as inventory,
        Reconciler(inventory),
        Supervisor(inventory, config) as supervisor,
    ):
        runner = web.AppRunner(
            create_app(supervisor, config, token), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, config.listen.host, config.listen.port)
            try:
                await site.start()
            except OSError as error:
                address = config.listen.authority
                raise ConfigError(
                    f"cannot listen on {address}: {error}; choose another with --listen"
                ) from error
            # The port is the system's choice where 0 was asked for.
            listening = ListenAddress(*runner.addresses[0][:2])
            with _termination() as terminated:
                _announce(replace(config, listen=listening), token)
                await terminated.wait()
        finally:
            await runner.cleanup()


def _tell_hook(config: Config) -> None:
    """Write the policy down for libvirt's hook. Without it the hook adds nothing, and all else goes on."""
    try:
        write_policy(state_dir() / FILE_NAME, Policy.of(config.auto_enable, config.gl))
    except ConfigError as error:
        log.warning("%s", error)


def load_token(path: Path | None) -> str:
    """The login token: the file's content; where it does not exist, a new one, for its owner only.

    Raises:
        ConfigError: the file is empty, unreadable, readable by others, or cannot be made.
    """
    if path is None:
        return secrets.token_urlsafe(TOKEN_BYTES)
    try:
        if path.exists():
            if path.stat().st_mode & 0o077:
                raise ConfigError(f"token file {path} can be read by others: chmod 600 {path}")
            token = path.read_text(encoding="ascii").strip()
            if not token:
                raise ConfigError(f"token file {path} is empty: remove it, and a new token is made")
            return token
        token = secrets.token_urlsafe(TOKEN_BYTES)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(token + "\n")
        return token
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"token file {path}: {error}") from error


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
