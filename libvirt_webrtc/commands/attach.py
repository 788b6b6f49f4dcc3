"""``libvirt-webrtc attach``: gives a running guest its console without a reboot."""

import argparse
import asyncio
import signal
import sys
import threading
from contextlib import closing
from functools import partial

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.options import ask_libvirt, connection_options, load_uri
from libvirt_webrtc.commands.text import visible
from libvirt_webrtc.concurrency.tasks import until_one_ends
from libvirt_webrtc.concurrency.threads import in_thread
from libvirt_webrtc.domains import actions
from libvirt_webrtc.domains.advice import in_quotes, on_domain
from libvirt_webrtc.domains.attach import attach
from libvirt_webrtc.domains.managed_save import Phase, Progress
from libvirt_webrtc.errors import HypervisorError, LibvirtWebRTCError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def add_parsers(commands: Subparsers) -> None:
    """Register ``attach`` on the parser."""
    command = commands.add_parser(
        "attach",
        parents=[connection_options()],
        help="give a running domain its console now, without a reboot",
        description="Give a running domain its console now: the guest is saved to disk and started again where it "
        "was, which takes as long as writing and reading its memory. Other VNC and SPICE viewers have to connect "
        "again. If anything fails, the guest goes on without the console. Ctrl-C ends a save in progress; a second one "
        "does not wait for that.",
    )
    command.add_argument("domain", metavar="DOMAIN", help="name or UUID")
    command.set_defaults(run=_attach)


def _attach(arguments: argparse.Namespace) -> int:
    uri = load_uri(arguments)
    asyncio.run(_until_attached(uri, arguments.domain))
    print(f"{visible(arguments.domain)} has a console now")
    try:
        if ask_libvirt(arguments, partial(actions.enable, name_or_uuid=arguments.domain)).changed:
            print("and from its next starts on, too: its definition has it now")
    except LibvirtWebRTCError as error:
        print(visible(f"libvirt-webrtc: but not after its next start: {error}"), file=sys.stderr)
    return 0


async def _until_attached(uri: str, domain: str) -> None:
    """Attach; a signal ends the save, but nothing that comes after it, or the guest would stay saved.

    Raises HypervisorError also where a signal came before anything was touched, and where a second one came.
    """
    loop, cancelled, given_up = asyncio.get_running_loop(), threading.Event(), asyncio.Event()
    with closing(_Teller()) as teller:

        def interrupted() -> None:
            second = cancelled.is_set()
            cancelled.set()
            if second or not teller.begun:
                given_up.set()

        for number in SIGNALS:
            loop.add_signal_handler(number, interrupted)
        try:
            await until_one_ends(
                in_thread(partial(attach, uri, domain, teller.tell, cancelled)), given_up.wait()
            )
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)
    if given_up.is_set():
        if not teller.begun:
            raise HypervisorError("interrupted; nothing was changed")
        start = in_quotes(on_domain("virsh start", domain))
        raise HypervisorError(f"interrupted; if the guest stays saved, {start} lets it go on where it was")


class _Teller:
    """Prints progress on standard error: on one line of a terminal, elsewhere a line for each phase."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._phase: Phase | None = None

    @property
    def begun(self) -> bool:
        """Whether the save has begun."""
        return self._phase is not None

    def tell(self, progress: Progress) -> None:
        before, self._phase = self._phase, progress.phase
        if self._terminal:
            print(f"\r\x1b[K{progress}", end="", file=sys.stderr, flush=True)
        elif progress.phase is not before:
            print(progress, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._terminal and self._phase is not None:
            print(file=sys.stderr, flush=True)
