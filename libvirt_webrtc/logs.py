"""Logging, set up the same way in the service and in its workers."""

import logging
import sys

CHATTY = ("aioice", "aiortc", "libav")
"""Their INFO is a line for every ICE check and RTCP packet."""


def set_up(level: int, *, origin: str = "") -> None:
    """Log to standard error; ``origin`` (a domain's name) tells a worker's lines from others'."""
    # A domain's name may hold a percent sign, which a format string would take for its own.
    origin = origin.replace("%", "%%") + ": " if origin else ""
    logging.basicConfig(
        level=level,
        format=f"%(asctime)s %(levelname)s {origin}%(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
