"""``libvirt-webrtc list``, ``show``, ``enable`` and ``disable``: which domains have, or get, a console."""

import argparse
import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.options import (
    add_gl,
    ask_libvirt,
    connection_options,
    load_config,
    load_policy,
    load_uri,
)
from libvirt_webrtc.commands.text import cell, columns, visible
from libvirt_webrtc.commands.xml import display_text
from libvirt_webrtc.config.load import state_dir
from libvirt_webrtc.domains import actions
from libvirt_webrtc.domains.advice import on_domain
from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.domains.inspection import Inspection, inspect
from libvirt_webrtc.domains.inventory import Inventory
from libvirt_webrtc.domains.uri import hint
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.service.domain_status import domain_list


def add_parsers(commands: Subparsers) -> None:
    """Register the four commands on the parser."""
    connection = connection_options()
    command = commands.add_parser("list", parents=[connection], help="list domains and their consoles")
    command.add_argument("--json", action="store_true", help="print the list as GET /api/domains gives it")
    command.set_defaults(run=_list)

    command = commands.add_parser(
        "show", parents=[connection], help="tell about a domain's console: settings, policy, reasons"
    )
    command.add_argument("domain", metavar="DOMAIN", help="name or UUID")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_show)

    for name, text in (("enable", "give a domain a console"), ("disable", "take it away again")):
        command = commands.add_parser(name, parents=[connection], help=f"{text}, from its next start on")
        command.add_argument("domain", metavar="DOMAIN", help="name or UUID")
        if name == "enable":
            add_gl(command, default=None)
            command.add_argument(
                "--replace-graphics",
                action="store_true",
                help="with --gl on: remove VNC and SPICE, next to which QEMU takes no OpenGL display",
            )
        command.set_defaults(run=_enable if name == "enable" else _disable)


def _list(arguments: argparse.Namespace) -> int:
    settings = load_config(arguments)
    # Whether there is a graphics card makes no difference to what is listed, so no driver is asked.
    policy = Policy.of(settings.auto_enable, settings.gl)

    uri = load_uri(arguments)

    async def once() -> int:
        async with Inventory(uri, policy) as inventory:
            domains = domain_list(inventory.snapshot, uri)
        if arguments.json:
            print(json.dumps(domains.as_json(), indent=2))
        elif domains.connected and not domains.domains:
            print(f"libvirt at {uri} has no domains{hint(uri)}", file=sys.stderr)
        else:
            width = max([4, *(columns(visible(view.name)) for view in domains.domains)])
            terminal = sys.stdout.isatty()
            print(f"{'NAME':{width}}  {'STATE':11}  CONSOLE")
            for view in domains.domains:
                name = cell(view.name, width, terminal=terminal)
                print(f"{name}  {view.state:11}  {visible(view.reason or 'can be opened')}")
        if not domains.connected:
            print(visible(f"libvirt-webrtc: {domains.problem}"), file=sys.stderr)
            return 1
        return 0

    return asyncio.run(once())


def _show(arguments: argparse.Namespace) -> int:
    policy = load_policy(arguments)
    found = ask_libvirt(arguments, lambda connection: inspect(connection, arguments.domain, policy))
    print(json.dumps(found.as_json(), indent=2) if arguments.json else visible(_as_text(found)))
    return 0


def _as_text(found: Inspection) -> str:
    settings, decision = found.settings, found.decision
    enabled = {None: "not said", True: "yes", False: "no"}[settings.enabled]
    if not decision.changed:
        plan = "nothing to change"
    elif found.next_display is None:
        plan = "the display is added"
    else:
        plan = "the display is changed" if found.will_have else "the display is removed"
    restart = "not needed"
    if found.managed_save:
        restart = (
            "its saved state comes back first, with the display it had then; the start after that counts"
        )
    elif found.restart_needed:
        restart = "needed: shut it down and start it again"
        if found.display is None:
            restart += f", or keep it running: {on_domain('libvirt-webrtc attach', found.name)}"
    lines = (
        ("domain", f"{found.name} ({found.uuid}), {'running' if found.running else 'not running'}"),
        ("now", display_text(found.display) if found.running else "not running"),
        ("next start", display_text(found.next_display) if found.persistent else "transient: there is none"),
        ("settings", settings.problem or f"enabled: {enabled}, gl: {settings.gl or 'not said'}"),
        ("policy", f"auto_enable={found.policy.auto_enable}, gl={found.policy.gl}"),
        ("plan", f"{plan}: {decision.reason}"),
        ("gl", f"{'on' if found.gl.on else 'off'}: {found.gl.reason}"),
        ("restart", restart),
    )
    return "\n".join(f"{name:12}{text}" for name, text in lines)


def _enable(arguments: argparse.Namespace) -> int:
    if arguments.replace_graphics and arguments.gl is not Gl.ON:
        raise ConfigError("--replace-graphics goes with --gl on: other displays stand next to VNC and SPICE")
    enable = partial(
        actions.enable,
        name_or_uuid=arguments.domain,
        gl=arguments.gl,
        policy=load_policy(arguments),
        replace_graphics=partial(_keep, arguments.domain) if arguments.replace_graphics else None,
    )
    outcome = ask_libvirt(arguments, enable)
    return _tell(outcome, "has a console", "already has a console")


def _keep(name: str, definition: str) -> None:
    """Keep a copy of a definition that is about to lose displays. Only its owner can read it: it may hold passwords."""
    folder = state_dir() / "replaced"
    path = folder / f"{Path(name).name}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.xml"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(definition)
    except OSError as error:
        raise ConfigError(f"the definition cannot be kept, so nothing was changed: {error}") from error
    print(f"the definition with its present displays is kept in {path}")


def _disable(arguments: argparse.Namespace) -> int:
    outcome = ask_libvirt(arguments, partial(actions.disable, name_or_uuid=arguments.domain))
    if outcome.display is not None:
        edit = on_domain("virsh edit", outcome.name)
        print(
            visible(
                f"{outcome.name} keeps a D-Bus display that libvirt-webrtc did not add; edit it with {edit}"
            )
        )
        return 0
    return _tell(outcome, "has no console", "has no console, and gets none by itself")


def _tell(outcome: actions.Outcome, changed: str, unchanged: str) -> int:
    if not outcome.display_changed:
        text = unchanged
    elif outcome.managed_save:
        text = f"{changed} from its next full start on: its saved state comes back first"
    elif outcome.running:
        text = f"{changed} from the next start on: shut it down and start it again"
    else:
        text = changed
    print(visible(f"{outcome.name} {text}"))
    return 0
