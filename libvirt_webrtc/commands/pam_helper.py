"""``libvirt-webrtc pam-helper``: checks system users' passwords for the service, as root."""

import argparse
import asyncio
import contextlib
import logging
import os
import pwd
import signal
from pathlib import Path

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.config.sign_in import PAM_SOCKET
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.pam.helper import IDLE_S, PamHelper, check_rules
from libvirt_webrtc.pam.listening import inherited_socket, made_socket

SERVICE_USER = "libvirt-webrtc"
"""Whom examples/systemd has the service run as."""


def add_parsers(commands: Subparsers) -> None:
    """Register ``pam-helper`` on the parser."""
    command = commands.add_parser(
        "pam-helper",
        help="check system users' passwords for the service: runs as root, from libvirt-webrtc-pam.socket or by hand",
    )
    command.add_argument(
        "--socket",
        type=Path,
        default=PAM_SOCKET,
        metavar="PATH",
        help=f"where to listen, unless systemd does (default: {PAM_SOCKET})",
    )
    command.add_argument(
        "--user",
        default=SERVICE_USER,
        metavar="NAME",
        help=f"whom the service runs as; only it and root may ask (default: {SERVICE_USER})",
    )
    command.add_argument("--allow-root", action="store_true", help="root may sign in, too")
    command.set_defaults(run=_run, log_level=logging.INFO)


def _run(arguments: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise ConfigError("only root can check others' passwords: run the PAM helper as root")
    check_rules()
    try:
        user = pwd.getpwnam(arguments.user).pw_uid
    except KeyError as error:
        raise ConfigError(f"--user {arguments.user}: there is no such user") from error
    asyncio.run(_serve(arguments.socket, user, allow_root=arguments.allow_root))
    return 0


async def _serve(path: Path, user: int, *, allow_root: bool) -> None:
    helper = PamHelper(frozenset({user}), allow_root=allow_root)
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        if (passed := inherited_socket()) is not None:
            with passed:
                await helper.serve(passed, IDLE_S)
            return
        with made_socket(path, user) as made:
            await helper.serve(made)
