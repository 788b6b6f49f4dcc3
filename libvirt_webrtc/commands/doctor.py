"""``libvirt-webrtc doctor``: prints the findings of :mod:`libvirt_webrtc.doctor`."""

import argparse
import json

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.options import connection_options, load_config
from libvirt_webrtc.commands.text import visible
from libvirt_webrtc.doctor.checkup import check_up
from libvirt_webrtc.hook.check import Level


def add_parsers(commands: Subparsers) -> None:
    """Register ``doctor`` on the parser."""
    command = commands.add_parser(
        "doctor", parents=[connection_options()], help="look for what keeps consoles from working"
    )
    command.add_argument("domain", nargs="?", metavar="DOMAIN", help="name or UUID: look at this one as well")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    findings = []
    for finding in check_up(load_config(arguments), arguments.domain):
        findings.append(finding)
        if not arguments.json:
            print(visible(f"{finding.level:8} {finding.subject}: {finding.text}"), flush=True)
            if finding.remedy is not None:
                print(visible(f"{'':8} -> {finding.remedy}"), flush=True)
    if arguments.json:
        print(json.dumps([finding.as_json() for finding in findings], indent=2))
    return int(any(finding.level is Level.PROBLEM for finding in findings))
