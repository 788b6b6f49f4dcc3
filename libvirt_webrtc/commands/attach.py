"""``libvirt-webrtc attach``: gives a running guest its console without a reboot."""

import argparse
import asyncio
import signal
import sys
import threading
from contextlib import closing
from functools import partial

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.options import connection_options, load_uri
from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.domains import actions
from libvirt_webrtc.domains.attach import attach
from libvirt_webrtc.domains.libvirt_api import open_connection
from libvirt_webrtc.domains.managed_save import Phase, Progress
from libvirt_webrtc.errors import LibvirtWebRTCError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def add_parsers(commands: Subparsers) -> None:
    """Register ``attach`` on the parser."""
    command = commands.add_parser(
        "attach",
        parents=[connection_options()],
        help="give a running domain its console now, without a reboot",
        description="Give a running domain its console now: the guest is saved to disk and started again where it "
        "was, which takes as long as writing and reading its memory. Other VNC and SPICE viewers have to connect "
        "again. If anything fails, the guest goes on without the console. Ctrl-C ends a save in progress.",
    )
    command.add_argument("domain", metavar="DOMAIN", help="name or UUID")
    command.set_defaults(run=_attach)


def _attach(arguments: argparse.Namespace) -> int:
    uri = load_uri(arguments)
    asyncio.run(_until_attached(uri, arguments.domain))
    print(f"{arguments.domain} has a console now")
    try:
        with closing(open_connection(uri)) as connection:
            if actions.enable(connection, arguments.domain).changed:
                print("and from its next starts on, too: its definition has it now")
    except LibvirtWebRTCError as error:
        print(f"libvirt-webrtc: but not after its next start: {error}", file=sys.stderr)
    return 0


async def _until_attached(uri: str, domain: str) -> None:
    """Attach; a signal ends the save, but nothing that comes after it, or the guest would stay saved."""
    loop, cancelled = asyncio.get_running_loop(), threading.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, cancelled.set)
    try:
        with closing(_Teller()) as teller:
            await in_thread(partial(attach, uri, domain, teller.tell, cancelled))
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


class _Teller:
    """Prints progress on standard error: on one line of a terminal, elsewhere a line for each phase."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._phase: Phase | None = None

    def tell(self, progress: Progress) -> None:
        if self._terminal:
            print(f"\r\x1b[K{progress}", end="", file=sys.stderr, flush=True)
        elif progress.phase is not self._phase:
            print(progress, file=sys.stderr, flush=True)
        self._phase = progress.phase

    def close(self) -> None:
        if self._terminal and self._phase is not None:
            print(file=sys.stderr, flush=True)
