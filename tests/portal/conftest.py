"""A portal on a fake agent, served on a real socket."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal.app import create_app
from libvirt_webrtc.portal.auth.session_store import SessionStore
from libvirt_webrtc.portal.connections import ConnectionLimits
from libvirt_webrtc.portal.web_files import WebFiles
from tests.portal.fakes import TOKEN, FakeAgent, FakeClock, Serve, Served, Viewer
from tests.portal.proxied import PROXY, behind_proxy

FILES = {
    "index.html": "<title>list</title>",
    "login.html": "<title>login</title>",
    "signing-in.html": "<title>signing in</title>",
    "share.html": "<title>share</title>",
    "console.html": "<title>console</title>",
    "core/session.js": "export {};",
    "app/list.css": "body { margin: 0 }",
    "notes.txt": "not for the web",
}


@pytest.fixture
def web_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (tmp_path / "secret.js").write_text("outside")
    return folder


@pytest.fixture
def issued_folder(tmp_path: Path) -> Path:
    """Where API tokens and share links are kept."""
    return tmp_path / "issued"


@pytest.fixture
def agent() -> FakeAgent:
    return FakeAgent()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def serve(
    agent: FakeAgent, clock: FakeClock, web_folder: Path, issued_folder: Path
) -> AsyncIterator[Serve]:
    """Serves portals with settings of the test's own."""
    async with AsyncExitStack() as stack:

        async def start(
            config: Config, limits: ConnectionLimits | None = None, store: SessionStore | None = None
        ) -> Served:
            files = WebFiles.load(web_folder)
            app = create_app(
                agent,
                config,
                TOKEN,
                web_files=files,
                clock=clock,
                store=store,
                issued_folder=issued_folder,
            )
            return await stack.enter_async_context(Served(app, limits or ConnectionLimits()))

        yield start


@pytest.fixture
async def server(serve: Serve) -> Served:
    return await serve(Config())


@pytest.fixture
async def viewer(server: Served) -> AsyncIterator[Viewer]:
    """Somebody who has not signed in."""
    async with Viewer(server) as viewer:
        yield viewer


@pytest.fixture
async def signed_in(server: Served) -> AsyncIterator[Viewer]:
    async with Viewer(server) as viewer:
        await viewer.sign_in()
        yield viewer


@pytest.fixture
async def script(server: Served) -> AsyncIterator[Viewer]:
    """A program with the token."""
    async with Viewer(server) as viewer:
        viewer.use_token()
        yield viewer


@pytest.fixture
async def behind(serve: Serve) -> Served:
    return await serve(behind_proxy())


@pytest.fixture
async def proxied(behind: Served) -> AsyncIterator[Viewer]:
    """Somebody whose requests come through a proxy."""
    async with Viewer(behind) as viewer:
        viewer.headers = dict(PROXY)
        yield viewer
