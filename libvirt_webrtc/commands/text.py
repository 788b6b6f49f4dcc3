"""Text for a terminal in which names may hold anything: unseen characters, wide ones, another direction. Pure."""

import time
import unicodedata
from collections.abc import Iterator, Sequence

_JOINERS = frozenset("\u200c\u200d")
"""Characters of category Cf that belong to the spelling of some languages, and to emoji."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_ISOLATE, _POP = "\u2068", "\u2069"


def visible(text: str) -> str:
    """``text`` with what cannot be seen in it (controls, marks that turn the direction) as ``\\u202e``; lines stay."""
    return "".join(_escaped(character) if _is_unseen(character) else character for character in text)


def columns(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    return sum(_columns_of(character) for character in text)


def cell(text: str, width: int, *, terminal: bool) -> str:
    """``text`` as a cell of a table, ``width`` columns wide or more.

    Args:
        terminal: a terminal shows it, so that letters from right to left would turn what stands behind them. Marks
            around them prevent that; programs that read a pipe do not get these.
    """
    text = visible(text)
    blanks = " " * (width - columns(text))
    if terminal and any(unicodedata.bidirectional(character) in ("R", "AL") for character in text):
        text = f"{_ISOLATE}{text}{_POP}"
    return text + blanks


def table(rows: Sequence[tuple[str, ...]], *, terminal: bool) -> Iterator[str]:
    """The lines of a table; ``terminal`` as :func:`cell` has it."""
    widths = [max(map(columns, map(visible, column))) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell(text, width, terminal=terminal) for text, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def local_time(unix: float) -> str:
    """A time of day in this machine's zone, to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(unix))


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN and character != "\n" and character not in _JOINERS


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\u{{{code:x}}}"


def _columns_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
