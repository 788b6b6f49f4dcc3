"""Options that several commands share, and the settings that result from them."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import Config, ReadConfig, load, take_environment
from libvirt_webrtc.config.video import CHROMAS, CODECS, ENCODER_POLICIES
from libvirt_webrtc.domains.asking import ask, connected
from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.definition.policy import Policy
from libvirt_webrtc.domains.libvirt_api import VirConnect
from libvirt_webrtc.domains.uri import check_driver, full_uri
from libvirt_webrtc.probes.render import look_for_renderer

T = TypeVar("T")


def config_option() -> argparse.ArgumentParser:
    """Make the parent parser of all commands that have settings."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML")
    return parent


def connection_options() -> argparse.ArgumentParser:
    """Make the parent parser of commands that talk to libvirt."""
    parent = argparse.ArgumentParser(add_help=False, parents=[config_option()])
    parent.add_argument("--uri", help="libvirt connection, such as qemu:///system (default: as virsh)")
    return parent


def portal_options() -> argparse.ArgumentParser:
    """Make the parent parser of commands that serve the portal."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help="default 127.0.0.1:8080; anywhere else than on this machine it is HTTPS",
    )
    parent.add_argument(
        "--insecure",
        action="store_true",
        default=None,
        help="plain HTTP also for other machines: everybody on the way reads logins, keystrokes and screens",
    )
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
    """Add ``--gl`` to a command that writes the display."""
    command.add_argument(
        "--gl",
        type=Gl,
        choices=list(Gl),
        default=default,
        help=f"OpenGL display (default: {default or 'as the settings say'}; auto: where it can be)",
    )


def load_config(
    arguments: argparse.Namespace, *, environ: Mapping[str, str] | None = None, **flags: Any
) -> Config:
    """Load the settings. The options of :func:`connection_options`, and ``flags``, override file and environment."""
    return load(arguments.config, environ, uri=getattr(arguments, "uri", None), **flags)


def portal_config_reader(arguments: argparse.Namespace) -> ReadConfig:
    """What loads the settings as :func:`load_config` does, with the options of :func:`portal_options`.

    It can be called again when the file has changed. The environment is as it is now: its settings are removed from it,
    so that no child process inherits the secrets among them.
    """
    return partial(
        load_config,
        arguments,
        environ=take_environment(),
        listen=ListenAddress.parse(arguments.listen) if arguments.listen is not None else None,
        insecure=arguments.insecure,
        token_file=arguments.token_file,
        video_codecs=arguments.codecs,
        video_encoder=arguments.encoder,
        video_chroma=arguments.chroma,
    )


def load_policy(arguments: argparse.Namespace) -> Policy:
    """Load the policy for automatic enabling and OpenGL. With gl=auto it tries graphics drivers, for 21 s at most."""
    settings = load_config(arguments)
    return Policy.of(settings.auto_enable, settings.gl, asyncio.run(look_for_renderer(settings.gl)))


def load_uri(arguments: argparse.Namespace) -> str:
    """The URI in full of the libvirt of the settings. Raises ConfigError where its driver is not QEMU's."""
    uri = full_uri(load_config(arguments).uri)
    check_driver(uri)
    return uri


def ask_libvirt(arguments: argparse.Namespace, question: Callable[[VirConnect], T]) -> T:
    """What ``question`` gives, asked of the libvirt of the settings. Somebody who waits long is told why, on standard
    error.

    Raises HypervisorUnavailable where libvirt does not answer within some minutes.
    """
    uri = load_uri(arguments)

    def tell() -> None:
        print(
            f"waiting for libvirt at {uri}: it is busy, or asks QEMU anew what it can do, which takes up to a minute",
            file=sys.stderr,
            flush=True,
        )

    with connected(uri) as connection:
        return ask(partial(question, connection), on_wait=tell)
