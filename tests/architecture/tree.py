"""The checkout as the architecture tests read it: its files, and which module imports which."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = CHECKOUT / "libvirt_webrtc"

ROWS = (
    {"__main__"},
    {"cli"},
    {"commands"},
    {"doctor"},
    {"service"},
    {"worker", "probes"},
    {"display", "media", "hook", "portal"},
    {"domains", "input", "picture", "pam", "config"},
    {"agent"},
    {"concurrency"},
    {"errors", "logs", ""},
)
"""From the top down. A module imports from its own room and from rows below its own, never from a row above;
"" is the package's ``__init__``, which holds the version."""

IGNORED = {".venv", "__pycache__", "node_modules"}


@dataclass(frozen=True, slots=True)
class Import:
    """One module of the package imports another; at its top, in a function, or for type checkers only."""

    source: str
    """Without the package's own name: ``display.gl.context``."""
    target: str
    line: int

    def __str__(self) -> str:
        return f"{self.source} (line {self.line}) imports {self.target}"


def files(folder: str, *suffixes: str) -> list[Path]:
    """The files below a folder of the checkout that end with one of ``suffixes``."""
    found = (CHECKOUT / folder).rglob("*")
    return sorted(
        path
        for path in found
        if path.suffix in suffixes and path.is_file() and not IGNORED & set(path.relative_to(CHECKOUT).parts)
    )


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def modules() -> dict[str, Path]:
    """Every module of the package, by its name without the package's own; a package by its ``__init__``."""
    found = {}
    for path in files("libvirt_webrtc", ".py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    """Every import of one module of the package by another, wherever it stands in the text."""
    return tuple(each for name, path in modules().items() for each in _imports(name, parse(path)))


def room(module: str) -> str:
    """The folder, or the file at the package's top, that a module belongs to."""
    return module.partition(".")[0]


def _imports(name: str, tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}, line {node.lineno}: write the package's full name"
            wanted = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for each in wanted:
            top, _, inner = each.partition(".")
            if top != PACKAGE.name:
                continue
            # The last part may be a name within a module, or within the package's __init__.
            target = inner if inner in modules() else inner.rpartition(".")[0]
            yield Import(name, target, node.lineno)
