"""``libvirt-webrtc token``: API tokens for programs, made, listed and taken back."""

import argparse
import json
import sys
from typing import Any

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.state import own_state_dir
from libvirt_webrtc.commands.text import local_time, table
from libvirt_webrtc.portal.issued.api_tokens import ApiToken, ApiTokens
from libvirt_webrtc.portal.issued.lifetime import Clocks

DEFAULT_DAYS = 90.0


def add_parsers(commands: Subparsers) -> None:
    """Register ``token`` with ``create``, ``list`` and ``revoke`` on the parser."""
    group = commands.add_parser("token", help="API tokens for programs: make, list and take back")
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = actions.add_parser("create", help="make a token and print it, once")
    command.add_argument("name", metavar="NAME", help="what the list and the log call it")
    command.add_argument(
        "--role", type=_role, default=Role.VIEW, help=f"{', '.join(map(str, Role))} (default: view)"
    )
    command.add_argument(
        "--domain",
        action="append",
        required=True,
        metavar="PATTERN",
        help="for domains of this name, with * and ? as in a shell, or UUID; may be given several times",
    )
    command.add_argument(
        "--days", type=float, default=DEFAULT_DAYS, help="until it ends (default: %(default)g)"
    )
    command.set_defaults(run=_create)

    command = actions.add_parser("list", help="the tokens there are, without their text")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(run=_list)

    command = actions.add_parser("revoke", help="take a token back; what it has open ends within 2 s")
    command.add_argument("token", metavar="NAME|ID")
    command.set_defaults(run=_revoke)


def _create(arguments: argparse.Namespace) -> int:
    tokens = _tokens()
    made, text = tokens.create(arguments.name, arguments.role, arguments.domain, arguments.days)
    print(text, flush=True)
    print(
        f"This is the token {made.name} ({made.id}): {made.role} for {' '.join(made.domains)}, until "
        f"{local_time(made.life.ends)}. It is shown this once; its hash is in {tokens.file.path}.",
        file=sys.stderr,
    )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    clocks, tokens = Clocks.of_system(), _tokens()
    found = tokens.file.read()
    if arguments.json:
        print(json.dumps([_as_json(token, clocks) for token in found], indent=2))
        return 0
    rows = [("NAME", "ID", "ROLE", "CREATED", "ENDS", "LAST USED", "DOMAINS")]
    for token in found:
        ends = local_time(token.life.ends) if token.life.left(clocks) > 0 else "ended"
        used = "never" if token.used is None else local_time(token.used)
        rows.append(
            (
                token.name,
                token.id,
                token.role,
                local_time(token.life.began),
                ends,
                used,
                " ".join(token.domains),
            )
        )
    for line in table(rows, terminal=sys.stdout.isatty()):
        print(line)
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    token = _tokens().revoke(arguments.token)
    print(f"revoked {token.name} ({token.id})")
    return 0


def _tokens() -> ApiTokens:
    return ApiTokens(own_state_dir(), Clocks.of_system())


def _as_json(token: ApiToken, clocks: Clocks) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "domains": list(token.domains),
        "created": round(token.life.began),
        "ends": round(token.life.ends),
        "ended": token.life.left(clocks) <= 0,
        "used": None if token.used is None else round(token.used),
    }


def _role(text: str) -> Role:
    try:
        return Role.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
