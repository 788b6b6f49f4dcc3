"""A console's WebSocket at the portal: who may open it, and that it joins both sides and bounds what waits."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from libvirt_webrtc.errors import ConsoleStarting, NoConsole, TooManyViewers, WorkerGone
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER, STREAM_PROTOCOL
from libvirt_webrtc.portal.routes import streams
from tests.media.helpers import soon, until
from tests.portal.fakes import OTHER_UUID, UUID, FakeAgent, FakeStream, Viewer, refusal

STREAM = f"/api/domains/{UUID}/consoles/0/stream"


def as_page(viewer: Viewer) -> dict[str, Any]:
    """What a page can send: its cookie and origin, and the key as a subprotocol."""
    headers = dict(viewer.headers)
    key = headers.pop(KEY_HEADER)
    return {"headers": headers, "protocols": (STREAM_PROTOCOL, f"libvirt-webrtc.key.{key}")}


@asynccontextmanager
async def opened(
    viewer: Viewer, path: str = STREAM, **options: Any
) -> AsyncIterator[ClientWebSocketResponse]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        url = viewer.server.make_url(path)
        async with session.ws_connect(url, **(options or as_page(viewer))) as websocket:
            yield websocket


async def status_of(viewer: Viewer, path: str = STREAM, **options: Any) -> int:
    """Of an upgrade that is refused."""
    with pytest.raises(WSServerHandshakeError) as refused:
        async with opened(viewer, path, **options):
            pass
    return refused.value.status


async def test_messages_pass_both_ways_and_the_grant_goes_along(signed_in: Viewer, agent: FakeAgent) -> None:
    async with opened(signed_in) as websocket:
        assert websocket.protocol == STREAM_PROTOCOL
        (stream,) = agent.streams
        await stream.tell(b"\x00\x81picture")
        assert await soon(websocket.receive_bytes()) == b"\x00\x81picture"
        for count in range(3):
            await websocket.send_bytes(b"\x00" + bytes((count,)))
        await until(lambda: stream.taken == [b"\x00\x00", b"\x00\x01", b"\x00\x02"])
        assert agent.grants[-1].role.name == "ADMIN" and agent.grants[-1].session
    await until(lambda: stream.closed and agent.viewers == {})


async def test_a_program_with_the_token_needs_no_origin(script: Viewer, agent: FakeAgent) -> None:
    async with opened(script, headers=script.headers):
        assert len(agent.streams) == 1


async def test_without_cookie_key_or_origin_it_is_refused(
    signed_in: Viewer, viewer: Viewer, agent: FakeAgent
) -> None:
    page = as_page(signed_in)
    assert await status_of(viewer, headers={"Origin": viewer.origin}) == 401
    assert await status_of(signed_in, headers=page["headers"]) == 401
    wrong = (STREAM_PROTOCOL, "libvirt-webrtc.key.somebody-elses")
    assert await status_of(signed_in, headers=page["headers"], protocols=wrong) == 401
    for origin in ("http://evil.example", signed_in.origin + "0", "null", "https" + signed_in.origin[4:]):
        headers = {**page["headers"], "Origin": origin}
        assert await status_of(signed_in, headers=headers, protocols=page["protocols"]) == 403
    without = {name: value for name, value in page["headers"].items() if name != "Origin"}
    assert await status_of(signed_in, headers=without, protocols=page["protocols"]) == 403
    assert agent.streams == []


async def test_what_is_no_websocket_is_told_so(signed_in: Viewer) -> None:
    async with signed_in.get(STREAM) as response:
        assert await refusal(response) == (426, "upgrade_required")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoConsole("there is no console 7"), 404),
        (ConsoleStarting("not yet"), 503),
        (TooManyViewers("full"), 503),
        (WorkerGone("it ended"), 502),
    ],
)
async def test_why_there_is_no_console_is_told_as_for_an_offer(
    signed_in: Viewer, agent: FakeAgent, error: Exception, status: int
) -> None:
    agent.error = error
    assert await status_of(signed_in) == status
    assert await status_of(signed_in, STREAM.replace(UUID, OTHER_UUID), **as_page(signed_in)) == 404


async def test_the_end_of_the_session_ends_its_streams(signed_in: Viewer, agent: FakeAgent) -> None:
    async with opened(signed_in) as websocket:
        began = time.monotonic()
        async with signed_in.request("DELETE", "/api/session") as response:
            assert response.status == 204
        message = await soon(websocket.receive())
        assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)
        assert time.monotonic() - began < 2
    await until(lambda: agent.streams[0].closed)


async def test_a_stream_that_the_console_ends_is_closed_after_its_last_words(
    signed_in: Viewer, agent: FakeAgent
) -> None:
    async with opened(signed_in) as websocket:
        await agent.streams[0].tell(b"\x00\x8dGood night.")
        assert await soon(websocket.receive_bytes()) == b"\x00\x8dGood night."
        agent.streams[0].end()
        assert (await soon(websocket.receive())).type is WSMsgType.CLOSE
        assert websocket.close_code == 1000


@pytest.mark.parametrize("message", ["text", b"\x00" * 1025])
async def test_text_and_too_long_a_message_close_it(
    signed_in: Viewer, agent: FakeAgent, message: str | bytes
) -> None:
    async with opened(signed_in) as websocket:
        await (websocket.send_str(message) if isinstance(message, str) else websocket.send_bytes(message))
        assert (await soon(websocket.receive())).type is WSMsgType.CLOSE
        assert agent.streams[0].taken == []
    await until(lambda: agent.streams[0].closed)


async def test_a_session_has_a_bounded_number(
    signed_in: Viewer, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_STREAMS", 1)
    async with opened(signed_in):
        assert await status_of(signed_in) == 503
    await until(lambda: agent.streams[0].closed)
    async with opened(signed_in):
        assert len(agent.streams) == 2


class Deaf:
    """A client that upgrades by hand, on a small receive buffer, and then reads nothing."""

    def __init__(self, viewer: Viewer) -> None:
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        page = as_page(viewer)
        headers = {
            **page["headers"],
            "Host": f"127.0.0.1:{viewer.server.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": ", ".join(page["protocols"]),
        }
        lines = [f"GET {STREAM} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self.head = "\r\n".join([*lines, "", ""]).encode()
        self.port = viewer.server.port

    async def open(self) -> None:
        self.sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self.sock, ("127.0.0.1", self.port))
        await loop.sock_sendall(self.sock, self.head)


async def _fill(stream: FakeStream) -> int:
    """Tell messages of 16 KiB until nobody takes them any more; how many bytes were taken."""
    taken = 0
    with pytest.raises(TimeoutError):
        while True:
            async with asyncio.timeout(1):
                await stream.tell(bytes(16 * 1024))
            taken += 16 * 1024
    return taken


async def test_what_a_browser_does_not_read_stays_in_the_worker(signed_in: Viewer, agent: FakeAgent) -> None:
    """And its end does not wait for it."""
    deaf = Deaf(signed_in)
    with deaf.sock:
        await deaf.open()
        await until(lambda: len(agent.streams) == 1)
        taken = await soon(_fill(agent.streams[0]))
        assert taken < 512 * 1024
        began = time.monotonic()
        async with signed_in.request("DELETE", "/api/session") as response:
            assert response.status == 204
        await until(lambda: agent.streams[0].closed)
        assert time.monotonic() - began < 2


async def test_what_the_console_does_not_take_stays_with_the_browser(
    signed_in: Viewer, agent: FakeAgent
) -> None:
    async with opened(signed_in) as websocket:
        (stream,) = agent.streams
        stream.gate.clear()
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 64 * 1024 * 1024:
                async with asyncio.timeout(1):
                    await websocket.send_bytes(bytes(1000))
                sent += 1000
        stream.gate.set()
        await until(lambda: sum(map(len, stream.taken)) >= sent)
