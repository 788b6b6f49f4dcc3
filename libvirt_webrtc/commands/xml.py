"""``libvirt-webrtc xml``: changes and shows domain XML, from standard input to standard output."""

import argparse
import json
import sys
from dataclasses import asdict

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.options import add_gl
from libvirt_webrtc.domains.definition.adding import add_dbus_display, remove_dbus_display
from libvirt_webrtc.domains.definition.display import DbusDisplay, find_dbus_display
from libvirt_webrtc.domains.definition.document import Document
from libvirt_webrtc.errors import DomainXMLError


def add_parsers(commands: Subparsers) -> None:
    """Register ``xml`` and its filters on the parser."""
    command = commands.add_parser("xml", help="change domain XML from standard input to standard output")
    filters = command.add_subparsers(title="filters", metavar="FILTER", required=True)
    for name, text in (
        ("add", "add the D-Bus display"),
        ("remove", "remove what add added"),
        ("show", "tell about the D-Bus display"),
    ):
        command = filters.add_parser(name, help=text)
        if name == "add":
            add_gl(command)
        if name == "show":
            command.add_argument("--json", action="store_true")
        command.set_defaults(run=_xml, filter=name)


def _xml(arguments: argparse.Namespace) -> int:
    # Bytes in and out: libvirt's XML is UTF-8 in every locale, and line ends must stay as they are.
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise DomainXMLError(f"this is not UTF-8 text: {error}") from error
    document = Document.parse(text)
    if arguments.filter == "add":
        sys.stdout.buffer.write(add_dbus_display(document, gl=arguments.gl).text().encode())
    elif arguments.filter == "remove":
        sys.stdout.buffer.write(remove_dbus_display(document).text().encode())
    else:
        _show(find_dbus_display(document), as_json=arguments.json)
    return 0


def _show(display: DbusDisplay | None, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(display) if display is not None else None))
    else:
        print(display_text(display))


def display_text(display: DbusDisplay | None) -> str:
    """Describe a D-Bus display in one line."""
    if display is None:
        return "no D-Bus display"
    kind = "p2p" if display.p2p else f"bus {display.address or '(private)'}"
    owner = "added by libvirt-webrtc" if display.ours else "not added by libvirt-webrtc"
    return f"D-Bus display, {kind}, gl {'on' if display.gl else 'off'}, {owner}, graphics {display.index}"
