"""What the documents name exists."""

import ast
import re

import pytest

from tests.architecture.tree import CHECKOUT, ROWS, modules, parse, room

DOCUMENTS = sorted(
    str(path.relative_to(CHECKOUT))
    for path in (*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("examples/**/*.md"))
    if path.name != "CHANGELOG.md"
)
ROOTS = ("", "libvirt_webrtc", "docs")
"""A path in the text is meant from the checkout, or from one of these; a link from the document's own folder."""

PATH = re.compile(r"(?<![\w/.~$-])[\w.-]+(?:/[\w.-]+)+/?|\b[\w-]+\.(?:py|md|sh|js|css|toml)\b")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
SUFFIXES = (".py", ".js", ".sh", ".md", ".c", ".h", ".css", ".toml", ".json", ".svg", ".png", ".service")

SHOWN_BY = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")

NOT_OURS = {"config.toml", "settings.toml"}
"""What a reader has, or makes."""


def named_paths(text: str) -> set[str]:
    """What is between backquotes and looks like a file or a folder of ours."""
    found = set()
    for quoted in re.findall(r"`([^`\n]+)`", text):
        for path in PATH.findall(quoted):
            first = path.split("/")[0]
            folder = path.endswith("/") and any((CHECKOUT / root / first).is_dir() for root in ROOTS)
            if path.endswith(SUFFIXES) or folder:
                found.add(path)
    return found - NOT_OURS


def exists(document: str, path: str) -> bool:
    beside = (CHECKOUT / document).parent
    if any((CHECKOUT / root / path).exists() for root in ROOTS) or (beside / path).exists():
        return True
    # A file's bare name, where its folder was named before.
    return "/" not in path and any(
        next((CHECKOUT / folder).rglob(path), None) is not None
        for folder in ("libvirt_webrtc", "web", "tests", "examples", "docs")
    )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_and_link_leads_somewhere(document: str) -> None:
    text = (CHECKOUT / document).read_text(encoding="utf-8")
    beside = (CHECKOUT / document).parent
    lost = {path for path in named_paths(text) if not exists(document, path)}
    lost |= {link for link in LINK.findall(text) if not (beside / link).exists()}
    assert lost == set()


def design_rooms() -> list[str]:
    """The rooms in the table of docs/design.md, "Where things live", from the top down."""
    text = (CHECKOUT / "docs" / "design.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Where things live")
    table = section.partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE)
    return [name.rstrip("/").removesuffix(".py") for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_the_design_shows_the_rooms_there_are_in_the_order_of_their_rows() -> None:
    rooms = [name for name in design_rooms() if "/" not in name]
    assert set(rooms) == {room(name) for name in modules()} - {"", "__main__"}
    row = {name: number for number, names in enumerate(ROWS) for name in names}
    assert [row[name] for name in rooms] == sorted(row[name] for name in rooms)


def test_the_classes_that_the_design_names_exist() -> None:
    text = (CHECKOUT / "docs" / "design.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]*)`", text)) - {"Protocol"}
    classes = {
        node.name
        for path in modules().values()
        for node in parse(path).body
        if isinstance(node, ast.ClassDef)
    }
    assert named - classes == set()


def test_every_attacker_has_tests_that_exist() -> None:
    text = (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8")
    table = text.partition("\n## What shows it\n")[2].partition("\n|")[2]
    rows = [row for row in table.splitlines() if row.startswith("|")][1:]
    assert rows
    for row in rows:
        found = SHOWN_BY.search(row)
        assert found is not None, row
        source = (CHECKOUT / found[1]).read_text(encoding="utf-8")
        assert re.search(rf"^(?:async )?def {found[2]}\(", source, re.M), row
