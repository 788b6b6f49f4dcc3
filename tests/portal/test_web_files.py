import os
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.web_files import WebFiles
from tests.portal.fakes import UUID, Viewer, refusal


@pytest.mark.parametrize(
    ("path", "title"), [("/", "list"), ("/login", "login"), (f"/console/{UUID}", "console")]
)
async def test_each_page_is_its_file(signed_in: Viewer, path: str, title: str) -> None:
    async with signed_in.get(path) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert await response.text() == f"<title>{title}</title>"


@pytest.mark.parametrize("name", ["x", "11111111-2222-3333-4444-55555555abcd0", "../index.html"])
async def test_a_console_page_needs_a_uuid(signed_in: Viewer, name: str) -> None:
    async with signed_in.get(f"/console/{name}") as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("path", "content_type"),
    [("core/session.js", "text/javascript; charset=utf-8"), ("app/list.css", "text/css; charset=utf-8")],
)
async def test_static_files_have_their_type_and_are_asked_for_again(
    viewer: Viewer, path: str, content_type: str
) -> None:
    async with viewer.get(f"/static/{path}") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == content_type
        assert response.headers["Cache-Control"] == "no-cache"
        etag = response.headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        async with viewer.get(f"/static/{path}", headers={"If-None-Match": known}) as response:
            assert response.status == 304
            assert await response.read() == b""
            assert response.headers["ETag"] == etag
    async with viewer.get(f"/static/{path}", headers={"If-None-Match": '"other"'}) as response:
        assert response.status == 200


async def test_what_pages_name_is_kept_by_browsers_until_something_changes(web_folder: Path) -> None:
    (web_folder / "index.html").write_text('<script src="static/core/session.js"></script>')
    (web_folder / "console.html").write_text('<script src="../static/core/session.js"></script>')
    before = WebFiles.load(web_folder)
    (web_folder / "core" / "session.js").write_text("// another")
    after = WebFiles.load(web_folder)
    assert before.version != after.version
    assert f'"static/{after.version}/core/session.js"' in after["index.html"].body.decode()
    assert f'"../static/{after.version}/core/session.js"' in after["console.html"].body.decode()
    assert before["index.html"].etag != after["index.html"].etag

    request = make_mocked_request("GET", "/")
    kept = after.response(request, f"{after.version}/core/session.js")
    assert kept.body == b"// another"
    assert "immutable" in kept.headers["Cache-Control"]
    with pytest.raises(web.HTTPNotFound):
        after.response(request, f"{before.version}/core/session.js")


@pytest.mark.parametrize(
    "path",
    [
        "missing.js",
        "core",
        "core/",
        "notes.txt",
        "%2e%2e/secret.js",
        "..%2fsecret.js",
        "core/..%2f..%2fsecret.js",
        "%2fetc%2fpasswd",
        "core%5c..%5c..%5csecret.js",
        "core/session.js%00",
    ],
)
async def test_nothing_but_web_files_can_be_asked_for(viewer: Viewer, path: str) -> None:
    async with viewer.get(f"/static/{path}") as response:
        assert await refusal(response) == (404, "not_found")


async def test_the_etag_tells_contents_apart_and_not_times(web_folder: Path) -> None:
    first = WebFiles.load(web_folder)
    os.utime(web_folder / "index.html", (0, 0))
    same = WebFiles.load(web_folder)
    (web_folder / "index.html").write_text("<title>LIST</title>")
    changed = WebFiles.load(web_folder)
    assert first["index.html"].etag == same["index.html"].etag != changed["index.html"].etag


def test_missing_pages_are_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the web pages are missing"):
        WebFiles.load(tmp_path / "nothing")


def test_the_packages_own_files_are_found() -> None:
    assert "core/session.js" in WebFiles.load()


def put(path: Path, text: str) -> None:
    path.write_text(text)
