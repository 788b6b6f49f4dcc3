"""What the files of web/ say about each other; no browser is needed to see it."""

import re
from pathlib import Path, PurePosixPath

import pytest

WEB = Path(__file__).parents[2] / "web"
PAGES = sorted(path.name for path in WEB.glob("*.html"))


def imported(module: str, found: set[str]) -> set[str]:
    """A module below web/, and all that it imports, directly or not."""
    if module not in found:
        found.add(module)
        for name in re.findall(
            r'^(?:import|export) .*?from "(\./|\.\./)(.+?)";', (WEB / module).read_text(), re.M
        ):
            path = (WEB / PurePosixPath(module).parent / "".join(name)).resolve()
            imported(str(path.relative_to(WEB.resolve())), found)
    return found


def named(page: str, pattern: str) -> list[str]:
    return re.findall(pattern, (WEB / page).read_text())


def test_the_console_page_preloads_exactly_what_it_imports() -> None:
    """A browser then fetches all modules at once, and not each after the one that imports it."""
    preloaded = named("console.html", r'rel="modulepreload" href="../static/([^"]+)"')
    assert len(preloaded) == len(set(preloaded))
    assert set(preloaded) == imported("app/console.js", set()) - {"app/console.js"}


def test_the_console_page_fetches_these_later_and_no_others() -> None:
    """They are there, and nothing imports them before."""
    later = {
        str((path.parent / name).resolve().relative_to(WEB.resolve()))
        for path in WEB.rglob("*.js")
        for name in re.findall(r'new Later\("(.+?)", import.meta.url\)', code(path))
    }
    assert later == {"core/websocket-transport.js", "app/share-panel.js"}
    assert all((WEB / module).is_file() for module in later)
    assert not later & imported("app/console.js", set())
    assert callers(r"\bimport\(") == {"core/later.js"}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_files_that_there_are(page: str) -> None:
    files = named(page, r'(?:href|src)="(?:../)*static/([^"]+)"')
    assert files and not [file for file in files if not (WEB / file).is_file()]


def test_every_style_sheet_belongs_to_a_page() -> None:
    linked = {
        file for page in PAGES for file in named(page, r'rel="stylesheet" href="(?:../)*static/([^"]+)"')
    }
    assert linked == {str(path.relative_to(WEB)) for path in WEB.rglob("*.css")}


def test_every_request_has_a_limit() -> None:
    """These give it one, and the session's key; there is no other way to the server."""
    ways = r"\bfetch\(|XMLHttpRequest|sendBeacon|new WebSocket\(|new EventSource"
    assert callers(ways) == {"core/request.js", "core/event-stream.js", "core/websocket-transport.js"}


def test_no_text_becomes_markup() -> None:
    """Names of domains and users, and what a guest says, are anybody's words: they go into pages as text alone."""
    ways = (
        r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|srcdoc|createContextualFragment|DOMParser|setHTML\w*)\b"
    )
    assert callers(ways + r"|document\.write|\beval\(|\bnew Function\b") == set()


def test_pages_and_modules_name_nothing_from_the_top_of_the_site() -> None:
    """A reverse proxy may put the portal into a folder: pages name things relative to themselves, modules by `at`."""
    for page in PAGES:
        assert not re.search(r'(?:href|src|action)="/', (WEB / page).read_text()), page
    assert callers(r"""["'`]/(?!/)[a-z]""") == {"core/site.js"}


def callers(pattern: str) -> set[str]:
    """The modules whose code has this."""
    return {str(path.relative_to(WEB)) for path in WEB.rglob("*.js") if re.search(pattern, code(path))}


def code(path: Path) -> str:
    """A module without its comments."""
    return re.sub(r"/\*.*?\*/|^\s*//.*?$", "", path.read_text(), flags=re.S | re.M)
