"""``libvirt-webrtc serve``."""

import argparse
import asyncio
import logging
from pathlib import Path

from libvirt_webrtc.commands import Subparsers
from libvirt_webrtc.commands.options import connection_options, load_config
from libvirt_webrtc.config import ListenAddress
from libvirt_webrtc.serve import serve
from libvirt_webrtc.video_config import CHROMAS, CODECS, ENCODER_POLICIES


def add_parsers(commands: Subparsers) -> None:
    """Say what there is."""
    command = commands.add_parser(
        "serve", parents=[connection_options()], help="follow the domains and serve the portal"
    )
    command.add_argument("--listen", metavar="HOST:PORT", help="default 127.0.0.1:8080")
    command.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="keep the login token in FILE instead of printing a new one",
    )
    command.add_argument(
        "--codecs",
        metavar="NAME,...",
        help=f"what to send, the first that a browser takes (default: h264,vp8; of {', '.join(CODECS)})",
    )
    command.add_argument(
        "--encoder",
        choices=ENCODER_POLICIES,
        help="auto: H.264 by the graphics card, if it passes a test at the start (default: software)",
    )
    command.add_argument(
        "--chroma",
        choices=CHROMAS,
        help="auto: a colour for every pixel to browsers that take it (4:4:4) (default: auto)",
    )
    command.set_defaults(run=_serve, log_level=logging.INFO)


def _serve(arguments: argparse.Namespace) -> int:
    listen = ListenAddress.parse(arguments.listen) if arguments.listen is not None else None
    settings = load_config(
        arguments,
        listen=listen,
        token_file=arguments.token_file,
        video_codecs=arguments.codecs,
        video_encoder=arguments.encoder,
        video_chroma=arguments.chroma,
    )
    asyncio.run(serve(settings))
    return 0
