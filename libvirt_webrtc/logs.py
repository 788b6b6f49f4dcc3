"""Logging, set up the same way in the service and its workers; and a bound on what a hostile peer can have logged."""

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import TextIO

CHATTY = ("aioice", "aiortc", "libav")
"""Their INFO is a line for every ICE check and RTCP packet."""

SILENT = ("aiohttp",)
"""Libraries that log nothing. aiohttp's messages quote what clients sent, cookies and tokens included; the portal says
itself what its log should know."""

PERIOD_S = 60.0
"""The period of :class:`LimitedLogger`, in seconds: a line a minute is 1,440 a day, which any log keeps."""

MAX_KINDS = 100
"""Kinds of messages whose last time is remembered."""


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
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    limit = LimitedLibraries()
    for handler in logging.getLogger().handlers:
        handler.addFilter(limit)


def drop_unwritten(stream: TextIO) -> None:
    """Drop what cannot be written, to a full disk or a reader that has ended: Python tries once more when it ends, and
    then ends with status 120."""
    try:
        stream.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


class LimitedLogger:
    """Logs what a guest or a viewer can repeat at will: one line in a period, whatever comes.

    The first message is logged. Those of the next ``period_s`` seconds are counted, whatever they say. The first one
    after that is logged again, and says how many were left out. Use one for each subject, and let it live as long as
    what can be repeated (a console, a process), not as long as one connection.
    """

    def __init__(
        self,
        logger: logging.Logger,
        *,
        period_s: float = PERIOD_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clock`` tells seconds that never run back."""
        self._logger = logger
        self._period_s = period_s
        self._clock = clock
        self._logged_at: float | None = None
        self._left_out = 0

    def warning(self, message: str, *args: object, exc_info: BaseException | None = None) -> None:
        """As ``logging.Logger.warning``; ``exc_info`` adds that error's traceback."""
        now = self._clock()
        if self._logged_at is not None and now - self._logged_at < self._period_s:
            self._left_out += 1
            return
        text = message % args if args else message
        if self._left_out and self._logged_at is not None:
            text += f" ({self._left_out} more in the last {now - self._logged_at:.0f} s)"
        self._logged_at, self._left_out = now, 0
        self._logger.warning("%s", text, exc_info=exc_info)


class LimitedLibraries(logging.Filter):
    """Lets one record in ``PERIOD_S`` through of each library of CHATTY, and of each kind of asyncio's.

    A viewer can have aiortc log a traceback with every packet, and FFmpeg a line. asyncio logs one, for instance, with
    each connection for which there is no descriptor.
    """

    def __init__(self, *, period_s: float = PERIOD_S, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._period_s = period_s
        self._clock = clock
        self._logged_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """False for a record that is left out."""
        library = record.name.partition(".")[0]
        if library == "asyncio":
            # Its messages begin with what happened, and go on with which task or socket.
            kind = f"asyncio: {str(record.msg).partition(chr(10))[0]}"
        elif library in CHATTY:
            kind = library
        else:
            return True
        now = self._clock()
        if now - self._logged_at.get(kind, float("-inf")) < self._period_s:
            return False
        if len(self._logged_at) >= MAX_KINDS:
            self._logged_at.clear()
        self._logged_at[kind] = now
        return True
