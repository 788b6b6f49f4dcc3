"""The command line: parses the arguments, runs a command of ``commands/``, and returns the exit status."""

import argparse
import io
import logging
import sys
from collections.abc import Sequence

from libvirt_webrtc import __version__, logs
from libvirt_webrtc.commands import (
    attach,
    doctor,
    domains,
    hook,
    link,
    pam_helper,
    serve,
    stream,
    token,
    totp,
    xml,
)
from libvirt_webrtc.commands.text import visible
from libvirt_webrtc.errors import ConfigError, LibvirtWebRTCError

EXIT_FAILED = 1
EXIT_USAGE = 2
"""The status for settings and arguments that cannot be used; argparse has the same."""

GROUPS = (serve, stream, token, link, domains, attach, xml, hook, pam_helper, totp, doctor)
"""The groups of commands, in the order in which ``--help`` lists them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command to its end, and return the process's exit status."""
    # A locale without a character that a name has must not end a command.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = _parser().parse_args(argv)
    logs.set_up(logging.DEBUG if arguments.verbose else arguments.log_level)
    try:
        status = int(arguments.run(arguments))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader of our output has ended, as in "list | head -1".
        logs.drop_unwritten(sys.stdout)
        return EXIT_FAILED
    except ConfigError as error:
        print(f"libvirt-webrtc: {visible(str(error))}", file=sys.stderr)
        return EXIT_USAGE
    except LibvirtWebRTCError as error:
        print(f"libvirt-webrtc: {visible(str(error))}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return 130
    finally:
        # A log on a full disk.
        logs.drop_unwritten(sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="libvirt-webrtc", description="A console in the browser for every libvirt guest, over WebRTC."
    )
    parser.add_argument("--version", action="version", version=f"libvirt-webrtc {__version__}")
    parser.add_argument("--verbose", action="store_true", help="log details for finding faults")
    # A command that does not serve prints what happened; the log would say it again.
    parser.set_defaults(log_level=logging.ERROR)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in GROUPS:
        group.add_parsers(commands)
    return parser
