"""``libvirt-webrtc list``, ``enable`` and ``disable``: what domains there are, and which have a console."""

import argparse
import asyncio
import json
import sys

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.options import add_gl, connection_options, libvirt_connection, load_config
from libvirt_webrtc.domains import onboarding
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.overview import overview


def add_parsers(commands: Subparsers) -> None:
    """Say what there is."""
    connection = connection_options()
    command = commands.add_parser("list", parents=[connection], help="list domains and their consoles")
    command.add_argument("--json", action="store_true", help="print the list as GET /api/domains gives it")
    command.set_defaults(run=_list)

    for name, text in (("enable", "give a domain a console"), ("disable", "take it away again")):
        command = commands.add_parser(name, parents=[connection], help=f"{text}, from its next start on")
        command.add_argument("domain", metavar="DOMAIN", help="name or UUID")
        if name == "enable":
            add_gl(command)
        command.set_defaults(run=_enable if name == "enable" else _disable)


def _list(arguments: argparse.Namespace) -> int:
    settings = load_config(arguments)

    async def once() -> int:
        async with Inventory(settings.uri) as inventory:
            domains = overview(inventory.snapshot)
        if arguments.json:
            print(json.dumps(domains.as_json(), indent=2))
        else:
            width = max([4, *(len(view.name) for view in domains.domains)])
            print(f"{'NAME':{width}}  {'STATE':10}  CONSOLE")
            for view in domains.domains:
                print(f"{view.name:{width}}  {view.state:10}  {view.reason or 'can be opened'}")
        if not domains.connected:
            print(f"libvirt-webrtc: {domains.problem}", file=sys.stderr)
            return 1
        return 0

    return asyncio.run(once())


def _enable(arguments: argparse.Namespace) -> int:
    with libvirt_connection(arguments) as connection:
        outcome = onboarding.enable(connection, arguments.domain, arguments.gl)
    return _tell(outcome, "has a console", "already has a console")


def _disable(arguments: argparse.Namespace) -> int:
    with libvirt_connection(arguments) as connection:
        outcome = onboarding.disable(connection, arguments.domain)
    if outcome.display is not None:
        print(
            f"{outcome.name} keeps a D-Bus display that libvirt-webrtc did not add; edit it with virsh edit"
        )
        return 0
    return _tell(outcome, "has no console", "has no console that libvirt-webrtc added")


def _tell(outcome: onboarding.Outcome, changed: str, unchanged: str) -> int:
    if not outcome.changed:
        print(f"{outcome.name} {unchanged}")
    elif outcome.managed_save:
        print(f"{outcome.name} {changed} from its next full start on: its saved state comes back first")
    elif outcome.running:
        print(f"{outcome.name} {changed} from the next start on: shut it down and start it again")
    else:
        print(f"{outcome.name} {changed}")
    return 0
