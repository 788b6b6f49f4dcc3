"""The console page names every module that it needs: a browser then fetches them all at once."""

import re
from pathlib import Path, PurePosixPath

import pytest

WEB = Path(__file__).parents[2] / "web"
PAGES = ["index.html", "login.html", "console.html"]


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
    preloaded = named("console.html", r'rel="modulepreload" href="/static/([^"]+)"')
    assert len(preloaded) == len(set(preloaded))
    assert set(preloaded) == imported("app/console.js", set()) - {"app/console.js"}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_files_that_there_are(page: str) -> None:
    files = named(page, r'(?:href|src)="/static/([^"]+)"')
    assert files and not [file for file in files if not (WEB / file).is_file()]


def test_every_style_sheet_belongs_to_a_page() -> None:
    linked = {file for page in PAGES for file in named(page, r'rel="stylesheet" href="/static/([^"]+)"')}
    assert linked == {str(path.relative_to(WEB)) for path in WEB.rglob("*.css")}
