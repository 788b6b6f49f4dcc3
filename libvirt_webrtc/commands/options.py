"""Options that several commands share, and the settings that they make."""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import Config, forget_environment, load
from libvirt_webrtc.config.video import CHROMAS, CODECS, ENCODER_POLICIES
from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.domains.libvirt_api import VirConnect, open_connection
from libvirt_webrtc.probes.render import look_for_renderer


def config_option() -> argparse.ArgumentParser:
    """A parent for the parsers of all commands that have settings."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML")
    return parent


def connection_options() -> argparse.ArgumentParser:
    """A parent for the parsers of commands that talk to libvirt."""
    parent = argparse.ArgumentParser(add_help=False, parents=[config_option()])
    parent.add_argument("--uri", help="libvirt connection, such as qemu:///system (default: libvirt's own)")
    return parent


def portal_options() -> argparse.ArgumentParser:
    """A parent for the parsers of commands that serve the portal."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--listen", metavar="HOST:PORT", help="default 127.0.0.1:8080")
    parent.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="keep the login token in FILE instead of printing a new one",
    )
    parent.add_argument(
        "--codecs",
        metavar="NAME,...",
        help=f"what to send, the first that a browser takes (default: h264,vp8; of {', '.join(CODECS)})",
    )
    parent.add_argument(
        "--encoder",
        choices=ENCODER_POLICIES,
        help="auto: H.264 by the graphics card, if it passes a test at the start (default: software)",
    )
    parent.add_argument(
        "--chroma",
        choices=CHROMAS,
        help="auto: a colour for every pixel to browsers that take it (4:4:4) (default: auto)",
    )
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


def load_config(arguments: argparse.Namespace, **flags: Any) -> Config:
    """The settings, with those of :func:`connection_options` and ``flags`` above file and environment."""
    return load(arguments.config, uri=getattr(arguments, "uri", None), **flags)


def load_portal_config(arguments: argparse.Namespace) -> Config:
    """As :func:`load_config`, with those of :func:`portal_options`; they leave the environment."""
    config = load_config(
        arguments,
        listen=ListenAddress.parse(arguments.listen) if arguments.listen is not None else None,
        token_file=arguments.token_file,
        video_codecs=arguments.codecs,
        video_encoder=arguments.encoder,
        video_chroma=arguments.chroma,
    )
    forget_environment()
    return config


def load_policy(arguments: argparse.Namespace) -> Policy:
    """What the configuration says of automatic enabling and OpenGL. Tries graphics drivers, for 21 s at the most."""
    settings = load_config(arguments)
    return Policy.of(settings.auto_enable, settings.gl, asyncio.run(look_for_renderer(settings.gl)))


@contextmanager
def libvirt_connection(arguments: argparse.Namespace) -> Iterator[VirConnect]:
    """A blocking connection to the libvirt that is meant."""
    connection = open_connection(load_config(arguments).uri)
    try:
        yield connection
    finally:
        connection.close()
