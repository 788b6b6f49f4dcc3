"""Tasks are made by concurrency/tasks.py, or by an asyncio.TaskGroup whose name says so."""

import ast
from collections.abc import Iterator
from pathlib import Path

import libvirt_webrtc

PACKAGE = Path(libvirt_webrtc.__file__).parent
HELPER = "concurrency/tasks.py"
MAKERS = frozenset({"create_task", "ensure_future"})

OWN_WAY = {
    "media/rendition.py": "a rendition's task tells its subscriptions of every end; the console's video waits for it",
    "worker/input_channel.py": "a sender's end has a callback, which ends the viewer; it may outlive its channel",
    "worker/process.py": "start() waits for the fork, also where it is cancelled",
}
"""Modules that keep a task without the helper, each with what becomes of that task."""


def _makes_tasks(source: str) -> Iterator[int]:
    """The lines on which a task is made that no TaskGroup owns."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in MAKERS:
            if not (isinstance(node.value, ast.Name) and node.value.id == "group"):
                yield node.lineno
        elif isinstance(node, ast.alias) and node.name in MAKERS:
            yield node.lineno


def test_tasks_are_made_by_the_helper_or_by_a_group() -> None:
    found = {
        (name, line)
        for path in PACKAGE.rglob("*.py")
        if (name := str(path.relative_to(PACKAGE))) != HELPER and name not in OWN_WAY
        for line in _makes_tasks(path.read_text())
    }
    assert not found, (
        "use LongLivedTask or TaskSet (concurrency/tasks.py), or `async with TaskGroup() as group`"
    )


def test_the_check_sees_what_it_looks_for() -> None:
    assert list(_makes_tasks("import asyncio\nasyncio.create_task(f())\nloop.create_task(g())\n")) == [2, 3]
    assert list(_makes_tasks("from asyncio import ensure_future\n")) == [1]
    assert not list(_makes_tasks("group.create_task(f())\n"))
