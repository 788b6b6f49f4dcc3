"""``libvirt-webrtc link``: share links that users made, listed and taken back by the operator."""

import argparse
import json
import sys
from typing import Any

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.state import own_state_dir
from libvirt_webrtc.commands.text import local_time, table
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.issued.lifetime import Clocks
from libvirt_webrtc.portal.issued.share_links import ShareLink, ShareLinks


def add_parsers(commands: Subparsers) -> None:
    """Register ``link`` with ``list`` and ``revoke`` on the parser."""
    group = commands.add_parser("link", help="share links that users made: list and take back")
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = actions.add_parser("list", help="the links there are, without their address")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(run=_list)

    command = actions.add_parser("revoke", help="take a link back; what it opened ends within 2 s")
    command.add_argument("link", metavar="ID")
    command.set_defaults(run=_revoke)


def _list(arguments: argparse.Namespace) -> int:
    clocks, links = Clocks.of_system(), _links()
    found = links.file.read()
    if arguments.json:
        print(json.dumps([_as_json(link, clocks) for link in found], indent=2))
        return 0
    rows = [("ID", "ROLE", "MADE BY", "MADE", "ENDS", "OPENED", "DOMAIN")]
    for link in found:
        ends = local_time(link.life.ends) if link.life.left(clocks) > 0 else "ended"
        opened = "never" if link.opened is None else local_time(link.opened)
        made = local_time(link.life.began)
        rows.append((link.id, link.role, link.owner.name, made, ends, opened, link.domain))
    for line in table(rows, terminal=sys.stdout.isatty()):
        print(line)
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    if not _links().revoke(arguments.link):
        raise ConfigError(
            f"there is no link {arguments.link!r}: 'libvirt-webrtc link list' shows those there are"
        )
    print(f"revoked {arguments.link}")
    return 0


def _links() -> ShareLinks:
    return ShareLinks(own_state_dir(), Clocks.of_system())


def _as_json(link: ShareLink, clocks: Clocks) -> dict[str, Any]:
    return {
        "id": link.id,
        "domain": link.domain,
        "role": link.role,
        "once": link.once,
        "owner": {"name": link.owner.name, "method": link.owner.method},
        "made": round(link.life.began),
        "ends": round(link.life.ends),
        "ended": link.life.left(clocks) <= 0,
        "opened": None if link.opened is None else round(link.opened),
    }
