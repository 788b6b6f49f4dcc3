"""What any process on this machine can do to the portal without a token, and what it cannot."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal import connections, events
from libvirt_webrtc.portal.auth.session import Pages
from libvirt_webrtc.portal.connections import ConnectionLimits, ConnectionOwner
from libvirt_webrtc.portal.headers import HEADERS
from tests.media.helpers import soon, until
from tests.portal.fakes import GUARD, TOKEN, FakeAgent, Serve, Served, Viewer, listing

FEW = ConnectionLimits(strangers=8, session=3, programs=5, known=6)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(server: Served) -> AsyncIterator[Streams]:
    """A client's bare connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def say(streams: Streams, sent: bytes) -> None:
    streams[1].write(sent)
    await streams[1].drain()


async def read_end(streams: Streams) -> bytes:
    """What comes until the server has ended the connection, in whatever way."""
    received = b""
    try:
        while more := await soon(streams[0].read(65536)):
            received += more
    except ConnectionResetError:
        pass  # one of the ways
    return received


@pytest.fixture
async def bounded(serve: Serve) -> Served:
    """A portal that takes few connections."""
    return await serve(Config(), FEW)


async def test_a_connection_without_a_request_ends(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "KEEP_ALIVE_S", 0.1)
    async with connected(server) as silent, connected(server) as half:
        await say(half, b"GET /healthz HTTP/1.1\r\nHost: loc")
        assert await read_end(silent) == b"" and await read_end(half) == b""
    await until(lambda: len(server.listener.connections) == 0)


async def test_a_new_connection_takes_the_place_of_the_oldest(
    bounded: Served, viewer: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(connected(bounded)) for _ in range(3 * FEW.strangers)]
        async with Viewer(bounded) as person:
            await person.sign_in()
            async with person.get("/api/domains") as response:
                assert response.status == 200
        assert len(bounded.listener.connections) <= FEW.strangers
        for streams in idle[: 2 * FEW.strangers]:
            assert await read_end(streams) == b""
        assert not idle[-1][0].at_eof()
    assert len(caplog.records) == 1 and "the oldest is ended" in caplog.text


async def test_who_is_signed_in_is_never_ended_for_strangers(bounded: Served, agent: FakeAgent) -> None:
    async with Viewer(bounded) as person, AsyncExitStack() as stack:
        await person.sign_in()
        async with person.get("/api/events") as events:
            await soon(events.content.readuntil(b"\n\n"))
            for _ in range(3 * FEW.strangers):
                await stack.enter_async_context(connected(bounded))
            await until(lambda: len(bounded.listener.connections) > FEW.strangers)
            agent.lists.set(listing())
            assert b'"domains":[]' in await soon(events.content.readuntil(b"\n\n"))


async def test_a_signed_in_browser_loads_its_pages_while_strangers_come(bounded: Served) -> None:
    async with Viewer(bounded) as person, AsyncExitStack() as stack:
        await person.sign_in()
        page = await stack.enter_async_context(connected(bounded))
        request = f"GET /static/core/session.js HTTP/1.1\r\nHost: 127.0.0.1:{bounded.port}\r\n"
        request += f"Cookie: {person.headers['Cookie']}\r\n\r\n"
        for _ in range(2):
            await say(page, request.encode())
            assert b" 200 " in await soon(page[0].readline())
            await soon(page[0].readuntil(b"export {};"))
            for _ in range(2 * FEW.strangers):
                await stack.enter_async_context(connected(bounded))


async def test_who_has_the_cookie_only_does_not_push_out_who_has_the_key(
    bounded: Served, agent: FakeAgent
) -> None:
    async with Viewer(bounded) as person, AsyncExitStack() as stack:
        await person.sign_in()
        events = await stack.enter_async_context(person.get("/api/events"))
        await soon(events.content.readuntil(b"\n\n"))
        for _ in range(2 * FEW.session):
            streams = await stack.enter_async_context(connected(bounded))
            cookie = f"Cookie: {person.headers['Cookie']}\r\n"
            await say(streams, f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{bounded.port}\r\n{cookie}\r\n".encode())
            assert b" 200 " in await soon(streams[0].readline())
        agent.lists.set(listing())
        assert b'"domains":[]' in await soon(events.content.readuntil(b"\n\n"))


@pytest.mark.parametrize("program", [True, False])
async def test_event_streams_are_bounded(bounded: Served, agent: FakeAgent, program: bool) -> None:
    most = FEW.programs if program else FEW.session
    async with Viewer(bounded) as person, AsyncExitStack() as stack:
        if program:
            person.use_token()
        else:
            await person.sign_in()
        streams = [await stack.enter_async_context(person.get("/api/events")) for _ in range(3 * most)]
        await until(lambda: agent.watchers == most + GUARD)
        last = streams[-1]
        await soon(last.content.readuntil(b"\n\n"))
        agent.lists.close()
        assert await soon(last.content.read()) == b""


async def test_connections_of_all_sessions_are_bounded(bounded: Served, agent: FakeAgent) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(4):
            person = await stack.enter_async_context(Viewer(bounded))
            await person.sign_in()
            for _ in range(2):
                await stack.enter_async_context(person.get("/api/events"))
        await until(lambda: agent.watchers == FEW.known + GUARD)


async def test_a_client_that_left_ends_its_event_stream_at_once(
    server: Served, agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "COMMENT_S", 3600.0)  # a comment that cannot be sent would end it, too
    async with Viewer(server) as viewer:
        viewer.use_token()
        async with viewer.get("/api/events") as response:
            await soon(response.content.readuntil(b"\n\n"))
    await soon(agent.unwatched.wait())


async def test_a_sign_in_is_taken_while_many_others_send_no_body(server: Served) -> None:
    body = b'{"token": "%s"}' % TOKEN.encode()
    head = b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n" % len(body)
    async with AsyncExitStack() as stack:
        slow = await stack.enter_async_context(connected(server))
        # Past the answer, the server waits for the body.
        await say(slow, head + b"Expect: 100-continue\r\n\r\n")
        assert b" 100 " in await soon(slow[0].readline())
        for _ in range(50):
            other = await stack.enter_async_context(connected(server))
            await say(other, head + b"Expect: 100-continue\r\n\r\n")
            assert b" 100 " in await soon(other[0].readline())
        await say(slow, body)
        assert await soon(slow[0].readline()) == b"\r\n"
        assert b" 200 " in await soon(slow[0].readline())


class Stub:
    """A connection of which is noted whose it was that was ended."""

    def __init__(self, client: str, told: list[str]) -> None:
        self.client = client
        self.owner: ConnectionOwner | None = None
        self.ended = False
        self._told = told

    def abort(self) -> None:
        self.ended = True
        self._told.append(self.client)


async def test_of_too_many_those_of_the_client_with_most_are_ended() -> None:
    """On loopback all are one client; elsewhere nobody is pushed out by another's flood."""
    made = connections.Connections(ConnectionLimits(strangers=3))
    ended: list[str] = []
    for client in ("a", "b", "b", "b", "b"):
        made.add(Stub(client, ended))
    assert ended == ["b", "b"] and len(made) == 3


async def test_whoever_has_many_sessions_pushes_out_nobody_else() -> None:
    made = connections.Connections(ConnectionLimits())
    ended: list[str] = []
    owners = [Pages("pam:ann"), *(Pages("pam:bob") for _ in range(210))]
    for owner, number in zip(owners, [6] + [5] * 210, strict=True):
        for _ in range(number):
            made.claim(Stub(owner.responsible, ended), owner, program=False)
    assert len(made) == ConnectionLimits().known
    assert ended == ["pam:bob"] * (6 + 5 * 210 - ConnectionLimits().known)


MALFORMED = {
    "a cookie beyond the limit": b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: x=SECRET%s\r\n\r\n"
    % (b"y" * 9000),
    "a bare carriage return": (
        b"GET /api/domains HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer SECRET\r x\r\n\r\n"
    ),
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie SECRET\r\n\r\n",
    "a path beyond the limit": b"GET /login?SECRET%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"y" * 9000),
    "a control character": b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: SECRET\x00\r\n\r\n",
    "too many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (b"Cookie: SECRET\r\n" * 200),
    "another protocol": b"\x16\x03\x01SECRET\r\n\r\n",
    "another version": b"GET /SECRET HTTP/9.9\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\nX: SECRET\r\n\r\n",
    "a length and chunks": (
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nX: SECRET\r\n\r\n"
    ),
    "a bad chunk": (
        b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b'Connection: close\r\n\r\n{"token": "SECRET"}\r\n'
    ),
    "a bad compression": (
        b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: deflate\r\nContent-Length: 6\r\n"
        b"Connection: close\r\n\r\nSECRET"
    ),
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_no_request_is_refused_and_not_repeated(
    server: Served, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    caplog.set_level(logging.DEBUG)
    async with connected(server) as streams:
        await say(streams, sent)
        answer = await read_end(streams)
    head, _, _ = answer.decode().partition("\r\n\r\n")
    status = "431" if b"x=SECRET" in sent or b"?SECRET" in sent else "400"
    assert head.split()[1] == status
    # Cookies of all programs on this host come along; who has too many is told what helps.
    assert ("remove those in the browser" in answer.decode()) == (status == "431")
    lines = head.split("\r\n")[1:]
    got = dict(line.split(": ", 1) for line in lines)
    assert {name: got.get(name) for name in HEADERS} == HEADERS
    assert got["Cache-Control"] == "no-store"
    assert "SECRET" not in answer.decode() and "aiohttp" not in answer.decode()
    assert "SECRET" not in caplog.text
    assert all(record.exc_info is None for record in caplog.records)


async def test_many_such_requests_are_one_line_in_the_log(
    server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "aiohttp")
    caplog.set_level(logging.DEBUG, "libvirt_webrtc")
    for _ in range(50):
        async with connected(server) as streams:
            await say(streams, MALFORMED["a cookie beyond the limit"])
            await read_end(streams)
    assert len(caplog.records) == 1
    assert "LineTooLong" in caplog.text and len(caplog.text) < 400
