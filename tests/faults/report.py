"""The table of results in docs/reliability.md."""

import re
from typing import Any

from tests.bench.world import CHECKOUT
from tests.faults.registry import SCENARIOS

DOCUMENT = CHECKOUT / "docs" / "reliability.md"
BEGIN, END = "<!-- results: python -m tests.faults --write -->", "<!-- end of results -->"
HEAD = "| fault | must happen | measured (bound) | |\n|---|---|---|---|\n"


def write(result: dict[str, Any]) -> None:
    """Put these results into the document; rows of scenarios that were not run stay."""
    text = DOCUMENT.read_text()
    before, old, after = _parts(text)
    kept = rows(old)
    for each in result["scenarios"]:
        kept[each["name"]] = _row(each, long=result["long"])
    table = HEAD + "".join(f"{kept[name]}\n" for name in SCENARIOS if name in kept)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{_when(result)}\n\n{table}\n{END}{after}")


def rows(text: str) -> dict[str, str]:
    """The table's lines, by the scenario that each names."""
    found = {}
    for line in text.splitlines():
        if match := re.search(r"`(\w+)` \|$", line):
            found[match[1]] = line
    return found


def _parts(text: str) -> tuple[str, str, str]:
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    return before, old, after


def _row(each: dict[str, Any], *, long: bool) -> str:
    scenario = SCENARIOS[each["name"]]
    cells = [
        f"{measured['what']}: {_number(measured['value'])} ({_number(measured['bound'])} {measured['unit']})"
        + ("" if measured["ok"] else " **red**")
        for measured in each["measured"]
    ]
    if each["error"]:
        cells.append(f"**red**: {each['error'].splitlines()[0]}")
    size = "" if long else ", short"
    return f"| {scenario.fault} | {scenario.must} | {'<br>'.join(cells)}{size} | `{scenario.name}` |"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _when(result: dict[str, Any]) -> str:
    machine, used = result["machine"], result["versions"]
    return (
        f"{machine['cores']} cores of a {machine['cpu']}, {machine['system']}, QEMU {used['qemu']}, libvirt "
        f"{used['libvirt']}, Python {used['python']}; load {machine['load'][0]:g} before the last run."
    )
