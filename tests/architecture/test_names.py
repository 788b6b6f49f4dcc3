"""One word for each thing, and each name once; docs/design.md, "Words"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import CHECKOUT, files, imports, modules, parse, room

RETIRED = {
    "Feed": "Subscription",
    "Head": "ViewerConsole",
    "Keeper": "WorkerSupervisor",
    "Lane": "Rendition",
    "Newest": "LatestValue",
    "Outbound": "RtpSender",
    "PacketSource": "Subscription",
    "Seat": "SharedConsole",
    "overview": "domain_status",
}
"""Identifiers that were replaced, with what took their place."""

RETIRED_WORDS = {"keeper", "lane", "outbound", "seat"}
"""They are not part of any identifier either: ``_seats``, ``SeatFactory``."""


def public_names(path: Path) -> Iterator[str]:
    """The classes and type aliases at a module's top."""
    for node in parse(path).body:
        if isinstance(node, ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        else:
            continue
        yield from (name for name in names if re.fullmatch(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*", name))


def identifiers(path: Path) -> set[str]:
    """Every name that a Python file defines or uses."""
    found = set()
    for node in ast.walk(parse(path)):
        for field in ("id", "attr", "name", "asname", "arg"):
            if isinstance(value := getattr(node, field, None), str):
                found.update(value.split("."))
    return found


def words(identifier: str) -> set[str]:
    """``SeatFactory`` and ``_seats`` are made of seat and factory, and of seat."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)
    return {part.lower().removesuffix("s") for part in parts}


def test_a_public_class_name_occurs_once() -> None:
    places: dict[str, set[str]] = {}
    for module, path in modules().items():
        for name in public_names(path):
            places.setdefault(name, set()).add(module)
    twice = {name: sorted(where) for name, where in places.items() if len(where) > 1}
    assert twice == {}


def test_production_imports_no_module_that_is_named_as_a_test() -> None:
    named = {
        each.target for each in imports() if re.search(r"(^|\.)\w*(_test|test_\w+|_probe)$", each.target)
    }
    assert named == set()


def test_probes_are_imported_by_nobody_below_the_service() -> None:
    """They start processes that may hang: whoever serves a console does not wait for them."""
    users = {room(each.source) for each in imports() if room(each.target) == "probes"}
    assert users <= {"probes", "service", "doctor", "commands"}


@pytest.mark.parametrize("folder", ["libvirt_webrtc", "tests", "examples"])
def test_old_words_do_not_come_back_in_python(folder: str) -> None:
    wrong = []
    for path in files(folder, ".py"):
        names = identifiers(path)
        bad = {name for name in names if name in RETIRED or words(name) & RETIRED_WORDS}
        wrong += [f"{path.relative_to(CHECKOUT)}: {name}" for name in sorted(bad)]
    assert not wrong


def test_old_words_do_not_come_back_on_the_pages() -> None:
    wrong = []
    for path in files("web", ".js"):
        code = re.sub(r"//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8"))
        names = set(re.findall(r"[A-Za-z_$][\w$]*", code))
        wrong += [f"{path.name}: {name}" for name in sorted(names) if words(name) & RETIRED_WORDS]
    assert not wrong
