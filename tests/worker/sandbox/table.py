"""The table in docs/security.md, made from what locked workers find. Root.

python -m tests.worker.sandbox.table [--write]
"""

import asyncio
import sys
from pathlib import Path

from tests.worker.sandbox.inside import results
from tests.worker.sandbox.place import place_for
from tests.worker.sandbox.ways import LOCKED

PAGE = Path(__file__).parents[3] / "docs" / "security.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"

Found = dict[str, dict[str, list[str]]]
"""By the way's name, then by the attempt: the means that were not refused."""


async def find() -> Found:
    """Run every way's worker; some seconds."""
    found = {}
    for way in LOCKED:
        with place_for(way) as place:
            found[way.name] = await results(way, place)
    return found


def table(found: Found) -> str:
    """In Markdown."""
    ways = list(found)
    rows = [["A worker tries to", *ways], ["---"] * (len(ways) + 1)]
    for what in found[ways[0]]:
        rows.append([what, *("**possible**" if found[way][what] else "refused" for way in ways)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def written() -> str:
    """The table as the page has it now."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def write(text: str) -> None:
    """Put the table into the page."""
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    PAGE.write_text(before + begin + text + end + after, encoding="utf-8")


if __name__ == "__main__":
    made = table(asyncio.run(find()))
    print(made, end="")
    if "--write" in sys.argv[1:]:
        write(made)
