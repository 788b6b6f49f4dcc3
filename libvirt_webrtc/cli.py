"""The command line: arguments in, an exit status out."""

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from libvirt_webrtc import __version__, config, logs
from libvirt_webrtc.domains import onboarding, xml
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.domains.libvirt_api import VirConnect, open_connection
from libvirt_webrtc.errors import ConfigError, DomainXMLError, LibvirtWebRTCError
from libvirt_webrtc.overview import overview
from libvirt_webrtc.serve import serve

EXIT_FAILED = 1
EXIT_USAGE = 2
"""Also argparse's own for arguments it cannot use."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit status."""
    arguments = _parser().parse_args(argv)
    logs.set_up(logging.DEBUG if arguments.verbose else arguments.log_level)
    try:
        status = int(arguments.run(arguments))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read the output has enough, as in "list | head -1". Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except ConfigError as error:
        print(f"libvirt-webrtc: {error}", file=sys.stderr)
        return EXIT_USAGE
    except LibvirtWebRTCError as error:
        print(f"libvirt-webrtc: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="libvirt-webrtc", description="A console in the browser for every libvirt guest, over WebRTC."
    )
    parser.add_argument("--version", action="version", version=f"libvirt-webrtc {__version__}")
    parser.add_argument("--verbose", action="store_true", help="log details for finding faults")
    # A command that ends at once tells what happened by itself.
    parser.set_defaults(log_level=logging.ERROR)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    connection = argparse.ArgumentParser(add_help=False)
    connection.add_argument(
        "--uri", help="libvirt connection, such as qemu:///system (default: libvirt's own)"
    )
    connection.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML")

    command = commands.add_parser(
        "serve", parents=[connection], help="follow the domains and serve the portal"
    )
    command.add_argument("--listen", metavar="HOST:PORT", help="default 127.0.0.1:8080")
    command.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="keep the login token in FILE instead of printing a new one",
    )
    command.set_defaults(run=_serve, log_level=logging.INFO)

    command = commands.add_parser("list", parents=[connection], help="list domains and their consoles")
    command.add_argument("--json", action="store_true", help="print the list as GET /api/domains gives it")
    command.set_defaults(run=_list)

    for name, text in (("enable", "give a domain a console"), ("disable", "take it away again")):
        command = commands.add_parser(name, parents=[connection], help=f"{text}, from its next start on")
        command.add_argument("domain", metavar="DOMAIN", help="name or UUID")
        if name == "enable":
            _add_gl(command)
        command.set_defaults(run=_enable if name == "enable" else _disable)

    command = commands.add_parser("xml", help="change domain XML from standard input to standard output")
    filters = command.add_subparsers(title="filters", metavar="FILTER", required=True)
    for name, text in (
        ("add", "add the D-Bus display"),
        ("remove", "remove what add added"),
        ("show", "tell about the D-Bus display"),
    ):
        command = filters.add_parser(name, help=text)
        if name == "add":
            _add_gl(command)
        if name == "show":
            command.add_argument("--json", action="store_true")
        command.set_defaults(run=_xml, filter=name)
    return parser


def _add_gl(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--gl",
        type=xml.Gl,
        choices=list(xml.Gl),
        default=xml.Gl.AUTO,
        help="OpenGL display (default: auto, which is off so far)",
    )


def _config(arguments: argparse.Namespace, **flags: Any) -> config.Config:
    return config.load(arguments.config, uri=arguments.uri, **flags)


def _serve(arguments: argparse.Namespace) -> int:
    listen = config.ListenAddress.parse(arguments.listen) if arguments.listen is not None else None
    settings = _config(arguments, listen=listen, token_file=arguments.token_file)
    asyncio.run(serve(settings))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    settings = _config(arguments)

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
            return EXIT_FAILED
        return 0

    return asyncio.run(once())


@contextmanager
def _connection(arguments: argparse.Namespace) -> Iterator[VirConnect]:
    connection = open_connection(_config(arguments).uri)
    try:
        yield connection
    finally:
        connection.close()


def _enable(arguments: argparse.Namespace) -> int:
    with _connection(arguments) as connection:
        outcome = onboarding.enable(connection, arguments.domain, arguments.gl)
    return _tell(outcome, "has a console", "already has a console")


def _disable(arguments: argparse.Namespace) -> int:
    with _connection(arguments) as connection:
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


def _xml(arguments: argparse.Namespace) -> int:
    # Bytes both ways: whatever the locale, libvirt's XML is UTF-8, and its line ends stay as they are.
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise DomainXMLError(f"this is not UTF-8 text: {error}") from error
    if arguments.filter == "add":
        sys.stdout.buffer.write(xml.add_dbus_display(text, gl=arguments.gl).encode())
    elif arguments.filter == "remove":
        sys.stdout.buffer.write(xml.remove_dbus_display(text).encode())
    else:
        _show(xml.find_dbus_display(text), as_json=arguments.json)
    return 0


def _show(display: xml.DbusDisplay | None, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(display) if display is not None else None))
    elif display is None:
        print("no D-Bus display")
    else:
        kind = "p2p" if display.p2p else f"bus {display.address or '(private)'}"
        owner = "added by libvirt-webrtc" if display.ours else "not added by libvirt-webrtc"
        print(f"D-Bus display, {kind}, gl {'on' if display.gl else 'off'}, {owner}, graphics {display.index}")
