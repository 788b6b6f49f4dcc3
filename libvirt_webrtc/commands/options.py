"""Options that several commands share, and the settings that they make."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from libvirt_webrtc import config
from libvirt_webrtc.domains.libvirt_api import VirConnect, open_connection
from libvirt_webrtc.domains.policy import Policy
from libvirt_webrtc.domains.xml import Gl
from libvirt_webrtc.render_probe import can_render


def connection_options() -> argparse.ArgumentParser:
    """A parent for the parsers of commands that talk to libvirt."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--uri", help="libvirt connection, such as qemu:///system (default: libvirt's own)")
    parent.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML")
    return parent


def add_gl(command: argparse.ArgumentParser, default: Gl | None = Gl.AUTO) -> None:
    """``--gl``, for commands that write the display."""
    command.add_argument(
        "--gl",
        type=Gl,
        choices=list(Gl),
        default=default,
        help=f"OpenGL display (default: {default or 'as the settings say'}; auto: where it can be)",
    )


def load_config(arguments: argparse.Namespace, **flags: Any) -> config.Config:
    """The settings, with those of :func:`connection_options` and ``flags`` above file and environment."""
    return config.load(arguments.config, uri=arguments.uri, **flags)


def load_policy(arguments: argparse.Namespace) -> Policy:
    """What the configuration says of automatic enabling and OpenGL."""
    settings = load_config(arguments)
    return Policy.of(settings.auto_enable, settings.gl, can_render())


@contextmanager
def libvirt_connection(arguments: argparse.Namespace) -> Iterator[VirConnect]:
    """A blocking connection to the libvirt that is meant."""
    connection = open_connection(load_config(arguments).uri)
    try:
        yield connection
    finally:
        connection.close()
