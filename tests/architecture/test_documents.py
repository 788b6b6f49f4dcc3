"""What the documents name exists."""

import re

import pytest

from tests.architecture.tree import CHECKOUT

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

KNOWN_STALE = {
    "CONTRIBUTING.md",
    "docs/decisions/0007-own-sender.md",
    "docs/decisions/0009-libx264-by-cffi.md",
    "docs/decisions/0011-heads-on-one-connection.md",
    "docs/design.md",
}

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
    assert lost == set() or document in KNOWN_STALE
