"""``libvirt-webrtc install-hook`` and ``uninstall-hook``: libvirt's hook, installed, tried and removed."""

import argparse
import os
import sys
from pathlib import Path

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.config.load import state_dir
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.hook.check import Level, check_hook
from libvirt_webrtc.hook.install import (
    HOOKS_FOLDER,
    install_hook,
    is_known,
    running_daemons,
    tell_daemon,
    uninstall_hook,
)
from libvirt_webrtc.hook.policy_file import FILE_NAME


def add_parsers(commands: Subparsers) -> None:
    """Register ``install-hook`` and ``uninstall-hook`` on the parser."""
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument(
        "--dir",
        type=Path,
        default=HOOKS_FOLDER,
        metavar="DIR",
        help=f"libvirt's hooks folder (default: {HOOKS_FOLDER})",
    )
    command = commands.add_parser(
        "install-hook",
        parents=[folder],
        help="have libvirt add the console to guests that are restored or migrate here",
    )
    choice = command.add_mutually_exclusive_group()
    choice.add_argument(
        "--reload", action="store_true", help="have the running libvirtd notice it; guests go on"
    )
    choice.add_argument(
        "--check",
        action="store_true",
        help="install nothing; try the hook that is there with every operation",
    )
    command.set_defaults(run=_install)

    command = commands.add_parser(
        "uninstall-hook", parents=[folder], help="take away what install-hook installed"
    )
    command.set_defaults(run=_uninstall)


def _install(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.dir.absolute()
    _refuse_session(folder)
    if arguments.check:
        findings = list(check_hook(folder))
        for finding in findings:
            print(f"{finding.level:8} {finding.text}")
        return int(any(finding.level is Level.PROBLEM for finding in findings))
    hook = install_hook(folder, Path(sys.executable), state_dir().absolute() / FILE_NAME)
    print(f"installed {hook.path}")
    for daemon in running_daemons():
        if arguments.reload:
            hook = tell_daemon(hook, daemon)
            print(f"reloaded {daemon.name}")
        elif not is_known(hook, daemon):
            print(
                f"{daemon.name} looks for hooks when it starts and when it is reloaded: have it notice this one with "
                "'libvirt-webrtc install-hook --reload'"
            )
    return 0


def _uninstall(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.dir.absolute()
    _refuse_session(folder)
    hook = uninstall_hook(folder)
    print(f"removed {hook.path}" if hook is not None else f"there is no hook of libvirt-webrtc in {folder}")
    return 0


def _refuse_session(folder: Path) -> None:
    if folder == HOOKS_FOLDER and os.geteuid() != 0:
        raise ConfigError(
            "hooks are for qemu:///system, and installing one takes root: sudo libvirt-webrtc install-hook. "
            "libvirt runs no hooks at all for qemu:///session; there, a guest has a console from its next start "
            "after 'libvirt-webrtc enable'"
        )
