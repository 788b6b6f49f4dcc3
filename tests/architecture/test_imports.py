"""Imports point one way; docs/design.md, "Where things live", shows the same rows."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

from tests.architecture.tree import CHECKOUT, PACKAGE, ROWS, files, imports, modules, parse, room

BESIDE = {("domains", "config"), ("config", "domains")}
"""Rooms of one row of which one may import the other."""

LOOSE = {"", "__main__", "cli", "errors", "logs"}
"""The modules that stand at the package's top."""

HOOK_MAY_IMPORT = {"", "hook", "domains", "errors", "concurrency"}
"""The rooms of this package that the hook loads: it runs at every turn of every guest's life."""
HOOK_MUST_NOT_IMPORT = {"aiohttp", "aiortc", "asyncio", "av", "dbus_fast", "libvirt", "numpy"}


def test_every_room_has_its_row() -> None:
    """A new room: give it its row here and in docs/design.md."""
    assert {room(name) for name in modules()} - set().union(*ROWS) == set()


def test_only_these_modules_stand_at_the_top() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"} == LOOSE - {""}


def test_imports_point_down() -> None:
    row = {name: number for number, rooms in enumerate(ROWS) for name in rooms}
    wrong = []
    for each in imports():
        source, target = room(each.source), room(each.target)
        if source != target and row[source] >= row[target] and (source, target) not in BESIDE:
            wrong.append(str(each))
    assert not wrong


def test_no_module_imports_itself_in_a_circle() -> None:
    """Imports within functions and for type checkers count as well."""
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for each in imports():
        graph[each.source].add(each.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" is imported by ".join(error.args[1])) from None


def test_the_hook_starts_with_what_it_needs_and_no_more() -> None:
    code = "import sys, libvirt_webrtc.hook.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    assert not HOOK_MUST_NOT_IMPORT & {name.partition(".")[0] for name in loaded}
    ours = {name.partition(".")[2] for name in loaded if name.partition(".")[0] == PACKAGE.name}
    assert {room(name) for name in ours} <= HOOK_MAY_IMPORT


def test_no_test_imports_another_test() -> None:
    """What tests share stands in tests/support, or in a module beside them; fixtures in a conftest."""
    wrong = []
    for path in files("tests", ".py"):
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.ImportFrom) and re.match(
                r"tests\..*(conftest|\btest_\w+)$", node.module or ""
            ):
                wrong.append(f"{path.relative_to(CHECKOUT)} imports {node.module}")
    assert not wrong
