"""The rig runs and prints what it promises, and the document has a row for each fault.

How long things took is not looked at here: the rig itself compares that with the bounds.
"""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.faults.registry import SCENARIOS
from tests.faults.report import DOCUMENT, rows

CHECKOUT = Path(__file__).parents[2]
RED = 1
"""The exit status where a figure is over its bound: on a busy machine that says nothing."""


def test_the_document_has_a_row_for_each_scenario_and_no_other() -> None:
    found = rows(DOCUMENT.read_text())
    assert list(found) == list(SCENARIOS)
    for name, scenario in SCENARIOS.items():
        assert found[name].startswith(f"| {scenario.fault} | {scenario.must} | ")
        assert ": " in found[name].split(" | ")[2], "something was measured"


async def _rig(*arguments: str) -> tuple[int | None, bytes]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults", *arguments), cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    return process.returncode, printed


async def test_all_scenarios_are_listed() -> None:
    status, printed = await _rig("--list")
    assert status == 0
    assert [line.split()[0] for line in printed.decode().splitlines()] == list(SCENARIOS)


@pytest.mark.libvirt
@pytest.mark.browser
@pytest.mark.parametrize(
    "name",
    [pytest.param(each.name, marks=[] if each.quick else pytest.mark.long) for each in SCENARIOS.values()],
)
async def test_a_scenario_is_carried_through(guests: Path, name: str) -> None:
    status, printed = await _rig("--only", name)
    assert status in (0, RED)
    (result,) = json.loads(printed)["scenarios"]
    assert result["name"] == name and result["error"] is None
    for each in result["measured"]:
        assert each.keys() == {"what", "value", "bound", "unit", "ok"}
        assert each["ok"] == (each["value"] <= each["bound"])
