"""``libvirt-webrtc stream``: the service for one QEMU without libvirt."""

import argparse
import asyncio
import logging
import os
from pathlib import Path

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.options import config_option, portal_config_reader, portal_options
from libvirt_webrtc.service.single_qemu import Place, by_monitor, on_bus, session_bus, stream

DESCRIPTION = """\
Serve the console of a QEMU without libvirt, which may be started later, and again. It needs -display dbus:
on a bus, which --address names (default: DBUS_SESSION_BUS_ADDRESS, as for QEMU itself); or with p2p=on, and a
monitor for --qmp: -display dbus,p2p=on -qmp unix:PATH,server=on,wait=off.
"""


def add_parsers(commands: Subparsers) -> None:
    """Register ``stream`` on the parser."""
    command = commands.add_parser(
        "stream",
        parents=[config_option(), portal_options()],
        help="serve the console of one QEMU without libvirt",
        description=DESCRIPTION,
    )
    where = command.add_mutually_exclusive_group()
    where.add_argument(
        "--address", metavar="ADDRESS", help="the bus that QEMU is on, such as unix:path=/tmp/qemu_dbus.sock"
    )
    where.add_argument("--qmp", type=Path, metavar="PATH", help="the Unix socket of QEMU's monitor")
    command.set_defaults(run=_stream, log_level=logging.INFO)


def _stream(arguments: argparse.Namespace) -> int:
    asyncio.run(stream(portal_config_reader(arguments), _place(arguments)))
    return 0


def _place(arguments: argparse.Namespace) -> Place:
    if arguments.qmp is not None:
        return by_monitor(arguments.qmp)
    return on_bus(arguments.address if arguments.address is not None else session_bus(os.environ))
