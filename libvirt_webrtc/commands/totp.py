"""``libvirt-webrtc totp``: the second factor of system users."""

import argparse
import pwd
import sys

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.state import own_state_dir
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.auth.totp import FILE_NAME, TotpFile


def add_parsers(commands: Subparsers) -> None:
    """Register ``totp`` on the parser."""
    command = commands.add_parser(
        "totp", help="codes of an authenticator app, as system users' second factor: run as root"
    )
    actions = command.add_subparsers(metavar="ACTION", required=True)
    action = actions.add_parser(
        "enroll", help="show a user's secret, once; signing in takes a code from now on"
    )
    action.add_argument("user", metavar="USER")
    action.set_defaults(run=_enroll)
    action = actions.add_parser("remove", help="take a user's second factor away")
    action.add_argument("user", metavar="USER")
    action.set_defaults(run=_remove)
    action = actions.add_parser("list", help="who has a second factor")
    action.set_defaults(run=_list)


def _enroll(arguments: argparse.Namespace) -> int:
    try:
        user = pwd.getpwnam(arguments.user).pw_name
    except KeyError as error:
        raise ConfigError(f"this system has no user {arguments.user}") from error
    uri = _file().enroll(user)
    print(f"For {user}'s authenticator app, and for nobody else. It is not shown again.\n")
    if sys.stdout.isatty():
        import segno  # here, since it takes long to load, and every command would wait

        segno.make(uri, micro=False).terminal(compact=True)
    print(uri)
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    if not _file().remove(arguments.user):
        raise ConfigError(f"{arguments.user} has no second factor")
    print(f"{arguments.user} signs in without a code now")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    for user in _file().users():
        print(user)
    return 0


def _file() -> TotpFile:
    return TotpFile(own_state_dir() / FILE_NAME)
