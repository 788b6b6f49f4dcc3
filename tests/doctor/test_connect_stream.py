"""``doctor --connect``: what it says of the WebSocket, which a page takes where WebRTC does not get through."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from libvirt_webrtc.config.ice import IceConfig
from libvirt_webrtc.doctor import connect
from libvirt_webrtc.doctor.connect import check_connection
from libvirt_webrtc.doctor.findings import Finding
from libvirt_webrtc.doctor.portal_client import PortalClient
from libvirt_webrtc.doctor.trial_viewer import Viewing
from libvirt_webrtc.hook.check import Level
from libvirt_webrtc.input import display_messages
from libvirt_webrtc.input.stream_messages import Hello, frame_parts, parse, welcome
from libvirt_webrtc.media.aiortc_ext.ways import Way, WayOutcome
from libvirt_webrtc.portal.auth.cookie import STREAM_PROTOCOL

TOKEN = "of-this-test-alone"
FORMATS = ("H264", "VP8")


class OneConsole:
    """A portal with one console.

    Attributes:
        passes_upgrade: whether what is in between does.
        says: what it tells after HELLO.
        said: what viewers sent.
    """

    def __init__(self) -> None:
        self.passes_upgrade = True
        self.says = list(
            frame_parts(b"x" * 20_000, format_code=2, keyframe=True, timestamp=0, width=1024, height=768)
        )
        self.said: list[object] = []

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/domains", self.domains)
        router.add_get("/webrtc-config", self.webrtc_config)
        router.add_get("/api/domains/u/consoles/0/stream", self.stream)

    async def domains(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"domains": [{"name": "web1", "uuid": "u", "console": {"state": "ready", "reason": None}}]}
        )

    async def webrtc_config(self, request: web.Request) -> web.Response:
        return web.json_response({"iceServers": [], "iceTransportPolicy": "all", "problem": None})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        websocket = web.WebSocketResponse(protocols=(STREAM_PROTOCOL,))
        if not self.passes_upgrade or not websocket.can_prepare(request):
            return web.json_response({"error": "upgrade_required", "message": "..."}, status=426)
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        await websocket.prepare(request)
        await websocket.send_bytes(b"\x00" + welcome(FORMATS))
        message = await websocket.receive_bytes()
        self.said.append(parse(message[1:]))
        for one in self.says:
            await websocket.send_bytes(b"\x00" + one)
        await websocket.close()
        return websocket


@pytest.fixture
async def console() -> AsyncIterator[tuple[OneConsole, PortalClient]]:
    made = OneConsole()
    app = web.Application()
    made.add_to(app.router)
    server = TestServer(app)
    await server.start_server()
    yield made, PortalClient(str(server.make_url("/")), TOKEN)
    await server.close()


@pytest.fixture(params=[True, False], ids=["webrtc", "no webrtc"])
def webrtc(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether it gets through."""
    works: bool = request.param
    outcome = WayOutcome.TAKEN if works else WayOutcome.FAILED
    way = Way("10.0.0.1:1", "host", "10.0.0.2:2", "host", "IPv4", outcome)
    viewing = Viewing((1024, 768) if works else None, 0.3 if works else 10.0, (way,), has_relay=False)

    async def watch_once(*_: object, **__: object) -> Viewing:
        return viewing

    monkeypatch.setattr(connect, "watch_once", watch_once)
    return works


async def findings(portal: PortalClient) -> list[Finding]:
    """The two of WebRTC and the WebSocket."""
    found = [finding async for finding in check_connection(portal, IceConfig(), None)]
    return found[:2]


async def test_a_console_without_webrtc_is_no_problem_where_its_websocket_gets_through(
    console: tuple[OneConsole, PortalClient], webrtc: bool
) -> None:
    portal, client = console
    by_webrtc, by_websocket = await findings(client)
    assert by_webrtc.level is (Level.OK if webrtc else Level.WARNING)
    assert by_webrtc.text.startswith("the console of web1 by WebRTC: ")
    assert by_webrtc.remedy is None or "UDP" in by_webrtc.remedy or "[ice] ports" in by_webrtc.remedy
    assert by_websocket.level is Level.OK
    assert by_websocket.text.startswith("the console of web1 by a WebSocket, over the portal's own port, ")
    assert ("which pages take now" in by_websocket.text) is not webrtc
    assert "a picture of 1024 x 768 after" in by_websocket.text
    assert portal.said == [Hello(FORMATS)]


async def test_what_is_in_between_and_passes_no_upgrade_is_told_with_what_to_do(
    console: tuple[OneConsole, PortalClient], webrtc: bool
) -> None:
    portal, client = console
    portal.passes_upgrade = False
    by_webrtc, by_websocket = await findings(client)
    assert by_webrtc.level is (Level.OK if webrtc else Level.PROBLEM)
    assert by_websocket.level is Level.PROBLEM
    assert "by a WebSocket" in by_websocket.text and "it is answered with status 426" in by_websocket.text
    assert by_websocket.remedy is not None and "Upgrade" in by_websocket.remedy


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ([display_messages.ended("The guest was stopped.")], "The guest was stopped."),
        ([], "it was closed before a picture came"),
        ([b"\xc1"], "what comes is none of the protocol's messages"),
    ],
)
@pytest.mark.parametrize("webrtc", [True], indirect=True)
async def test_a_stream_that_ends_without_a_picture_is_told_with_the_reason(
    says: list[bytes], why: str, webrtc: bool, console: tuple[OneConsole, PortalClient]
) -> None:
    portal, client = console
    portal.says = says
    _, by_websocket = await findings(client)
    assert by_websocket.level is Level.PROBLEM and by_websocket.text.endswith(f": {why}")
