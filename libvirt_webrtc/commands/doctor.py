"""``libvirt-webrtc doctor``: prints the findings of :mod:`libvirt_webrtc.doctor`."""

import argparse
import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.options import connection_options, load_config
from libvirt_webrtc.commands.text import visible
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.doctor.checkup import check_up
from libvirt_webrtc.doctor.connect import check_connection
from libvirt_webrtc.doctor.findings import Finding
from libvirt_webrtc.doctor.ice import check_ice
from libvirt_webrtc.doctor.portal_client import client_of
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.hook.check import Level


def add_parsers(commands: Subparsers) -> None:
    """Register ``doctor`` on the parser."""
    command = commands.add_parser(
        "doctor", parents=[connection_options()], help="look for what keeps consoles from working"
    )
    command.add_argument("domain", nargs="?", metavar="DOMAIN", help="name or UUID: look at this one as well")
    command.add_argument("--json", action="store_true")
    command.add_argument(
        "--connect",
        action="store_true",
        help="instead: open a console of a running portal as a browser does, and say which way the picture took",
    )
    command.add_argument("--url", help="with --connect: the portal's address (default: as the settings say)")
    command.add_argument(
        "--token-file", type=Path, metavar="FILE", help="with --connect: what to sign in with"
    )
    command.add_argument(
        "--fingerprint", metavar="SHA-256", help="with --connect and --url: the portal's certificate's"
    )
    command.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    config = load_config(arguments)
    if arguments.connect:
        found = _connect(config, arguments)
    elif arguments.url or arguments.token_file or arguments.fingerprint:
        raise ConfigError("--url, --token-file and --fingerprint need --connect")
    else:
        found = check_up(config, arguments.domain)
    findings = []
    for finding in found:
        findings.append(finding)
        if not arguments.json:
            print(visible(f"{finding.level:8} {finding.subject}: {finding.text}"), flush=True)
            if finding.remedy is not None:
                print(visible(f"{'':8} -> {finding.remedy}"), flush=True)
    if arguments.json:
        print(json.dumps([finding.as_json() for finding in findings], indent=2))
    return int(any(finding.level is Level.PROBLEM for finding in findings))


def _connect(config: Config, arguments: argparse.Namespace) -> Iterator[Finding]:
    """The STUN and TURN servers of the settings, then a viewer."""
    portal = client_of(config, arguments.url, arguments.token_file, arguments.fingerprint)
    with asyncio.Runner() as runner:
        yield from runner.run(check_ice(config.ice))
        trying = check_connection(portal, config.ice, arguments.domain)

        async def go_on() -> Finding | None:
            return await anext(trying, None)

        while (finding := runner.run(go_on())) is not None:
            yield finding
