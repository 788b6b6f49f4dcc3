"""``libvirt-webrtc serve``: the service for libvirt's domains."""

import argparse
import asyncio
import logging

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.options import connection_options, portal_config_reader, portal_options
from libvirt_webrtc.service.serve import serve


def add_parsers(commands: Subparsers) -> None:
    """Register ``serve`` on the parser."""
    command = commands.add_parser(
        "serve",
        parents=[connection_options(), portal_options()],
        help="follow the domains and serve the portal",
    )
    command.set_defaults(run=_serve, log_level=logging.INFO)


def _serve(arguments: argparse.Namespace) -> int:
    asyncio.run(serve(portal_config_reader(arguments)))
    return 0
