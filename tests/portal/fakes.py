"""An agent without libvirt, a clock that is set by hand, and a viewer that speaks plain HTTP."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

from aiohttp import ClientResponse, ClientSession, DummyCookieJar, TCPConnector, web
from aiohttp.client import _RequestContextManager
from yarl import URL

from libvirt_webrtc.agent.ends import ViewerEnd, ViewerEnds
from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.agent.interface import Action, Answer, ConsoleState, ConsoleView, DomainList, DomainView
from libvirt_webrtc.agent.latest import LatestValue
from libvirt_webrtc.agent.stats import ConsoleStats, RenditionView, ViewerView
from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.portal.auth.access import Access
from libvirt_webrtc.portal.auth.cookie import KEY_HEADER, NAME
from libvirt_webrtc.portal.auth.session_store import SessionStore
from libvirt_webrtc.portal.auth.user import TOKEN_USER
from libvirt_webrtc.portal.connections import ConnectionLimits
from libvirt_webrtc.portal.listener import PortalListener
from libvirt_webrtc.portal.shown import shown_list
from libvirt_webrtc.portal.tls.portal_certificate import PortalCertificate

TOKEN = "the-right-token"
UUID = "11111111-2222-3333-4444-55555555abcd"
OTHER_UUID = "99999999-2222-3333-4444-555555550000"
WHEP = f"/api/domains/{UUID}/consoles/0/whep"
GUARD = 1
"""Watchers of the agent's list besides event streams: the portal's own."""
OFFER = "v=0\r\n"
ANSWER = "v=0\r\ns=answer\r\n"
STATS = ConsoleStats(
    (
        RenditionView(
            "H264", "full", "libx264", "no hardware", 1024, 768, 1, 9, 1, 5000, 0, 30.0, 4e6, 5.5, 8.5
        ),
    ),
    (ViewerView("H264", "full", "as good as it gets", 9, 1, 5000, 0, 25_000_000, 0.0, None),),
)


def domain(name: str = "demo", state: ConsoleState = ConsoleState.READY) -> DomainView:
    """A running domain with one console."""
    reason = None if state is ConsoleState.READY else "the reason"
    consoles = (ConsoleView(0, "VGA", 1024, 768, "map", 1),) if state is ConsoleState.READY else ()
    return DomainView(UUID, name, "running", state, reason, consoles, 4242)


def shown(domains: DomainList) -> dict[str, Any]:
    """A list as it is sent to whoever has the token."""
    return shown_list(domains, TOKEN_USER, Access())


def listing(*domains: DomainView) -> DomainList:
    return DomainList(True, None, domains, "qemu:///system")


class FakeClock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeStream:
    """Implements the ``ViewerStream`` protocol; ``gate`` is what the console takes messages by."""

    def __init__(self, viewer: str, gone: Callable[[], object]) -> None:
        self.viewer = viewer
        self.taken: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed = False
        self._gone = gone
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(1)

    async def tell(self, message: bytes) -> None:
        """Have the viewer receive this. Waits while it does not take the one before."""
        await self._waiting.put(message)

    async def receive(self) -> bytes | None:
        return await self._waiting.get()

    async def send(self, message: bytes) -> None:
        await self.gate.wait()
        self.taken.append(message)

    def end(self) -> None:
        """The console ends the stream."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(None)

    def close(self) -> None:
        self.closed = True
        self._gone()


class FakeAgent:
    """Implements the ``Agent`` protocol; ``error`` makes the next offers fail."""

    def __init__(self) -> None:
        self.lists = LatestValue(listing(domain()))
        self.ends = ViewerEnds()
        self.watchers = 0
        self.unwatched = asyncio.Event()
        """Somebody stopped watching."""
        self.error: Exception | None = None
        self.close_error: Exception | None = None
        self.answering: dict[str, asyncio.Event] = {}
        """Domains whose worker ends viewers only once this is set."""
        self.offers: list[tuple[str, int, str]] = []
        self.grants: list[Grant] = []
        """Of the offers."""
        self.viewers: dict[str, str] = {}
        self.asked, self.go = asyncio.Event(), asyncio.Event()
        """Set at each offer; each offer waits for ``go``, which a test clears first."""
        self.go.set()
        self.actions: list[tuple[str, Action]] = []
        self.streams: list[FakeStream] = []

    def list(self) -> DomainList:
        return self.lists.value

    async def watch(self) -> AsyncIterator[DomainList]:
        self.watchers += 1
        try:
            async for value in self.lists.values():
                yield value
        finally:
            self.watchers -= 1
            self.unwatched.set()

    def watch_ends(self) -> AsyncIterator[ViewerEnd]:
        return self.ends.watch()

    async def offer(self, uuid: str, console: int, sdp: str, grant: Grant) -> Answer:
        self.asked.set()
        await self.go.wait()
        if self.error is not None:
            raise self.error
        self.offers.append((uuid, console, sdp))
        self.grants.append(grant)
        viewer = f"viewer{len(self.offers)}"
        self.viewers[viewer] = uuid
        return Answer(ANSWER, viewer)

    async def open_stream(self, uuid: str, console: int, grant: Grant) -> FakeStream:
        if self.error is not None:
            raise self.error
        stream = FakeStream(f"stream{len(self.streams)}", lambda: self.viewers.pop(stream.viewer, None))
        self.streams.append(stream)
        self.grants.append(grant)
        self.viewers[stream.viewer] = uuid
        return stream

    async def stats(self, uuid: str, console: int) -> ConsoleStats:
        if self.error is not None:
            raise self.error
        return STATS

    async def act(self, uuid: str, action: Action) -> None:
        if self.error is not None:
            raise self.error
        self.actions.append((uuid, action))

    async def close_viewer(self, uuid: str, viewer: str) -> bool:
        if (answering := self.answering.get(uuid)) is not None:
            await answering.wait()
        if self.close_error is not None:
            raise self.close_error
        for stream in self.streams:
            if stream.viewer == viewer and not stream.closed:
                stream.end()
        return self.viewers.pop(viewer, None) == uuid

    async def has_viewer(self, uuid: str, viewer: str) -> bool:
        if self.close_error is not None:
            raise self.close_error
        return self.viewers.get(viewer) == uuid


class Served:
    """A portal that listens on a free port of 127.0.0.1."""

    def __init__(
        self,
        app: web.Application,
        limits: ConnectionLimits,
        certificate: PortalCertificate | None = None,
    ) -> None:
        self.listener = PortalListener(app, limits)
        self._certificate = certificate
        self.port = 0

    async def __aenter__(self) -> Self:
        self.port = (await self.listener.start(ListenAddress(port=0), self._certificate)).port
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def make_url(self, path: str) -> URL:
        scheme = "http" if self._certificate is None else "https"
        return URL(f"{scheme}://127.0.0.1:{self.port}{path}", encoded=True)

    async def close(self) -> None:
        await self.listener.close()


class Serve(Protocol):
    """What the fixture ``serve`` gives: a function that serves a portal with these settings."""

    async def __call__(
        self, config: Config, limits: ConnectionLimits | None = None, store: SessionStore | None = None
    ) -> Served: ...


class Viewer:
    """A client that sends exactly what it is told: its cookie and origin as a browser would, once signed in."""

    def __init__(self, server: Served, tls: ssl.SSLContext | None = None) -> None:
        """``tls`` is what it trusts, of a portal that speaks HTTPS."""
        self.server = server
        self.headers: dict[str, str] = {}
        self._scheme, self._prefix = ("http", "") if tls is None else ("https", "__Host-")
        connector = TCPConnector(ssl=tls or True)
        self._session = ClientSession(connector=connector, cookie_jar=DummyCookieJar())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @property
    def origin(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.server.port}"

    @property
    def cookie_name(self) -> str:
        return f"{self._prefix}{NAME}-{self.server.port}"

    def request(
        self, method: str, path: str, headers: Mapping[str, str | None] | None = None, **options: Any
    ) -> _RequestContextManager:
        """``headers`` go on top of the viewer's own; None takes one away."""
        merged = {**self.headers, **(headers or {})}
        sent = {name: value for name, value in merged.items() if value is not None}
        url = self.server.make_url(path)
        return self._session.request(method, url, headers=sent, allow_redirects=False, **options)

    def get(self, path: str, **options: Any) -> _RequestContextManager:
        return self.request("GET", path, **options)

    def offer(
        self, path: str = WHEP, sdp: str | bytes = OFFER, **headers: str | None
    ) -> _RequestContextManager:
        return self.request("POST", path, {"Content-Type": "application/sdp", **headers}, data=sdp)

    def login(self, token: str = TOKEN) -> _RequestContextManager:
        return self.request("POST", "/api/session", {"Origin": self.origin}, json={"token": token})

    async def sign_in(self) -> str:
        """Sign in with the right token; returns the cookie's value."""
        async with self.login() as response:
            assert response.status == 200
            value = response.cookies[self.cookie_name].value
            key = (await response.json())["key"]
        self.headers = {"Cookie": f"{self.cookie_name}={value}", KEY_HEADER: key, "Origin": self.origin}
        return value

    def use_token(self, token: str = TOKEN) -> None:
        """Be a script from now on."""
        self.headers = {"Authorization": f"Bearer {token}"}


async def refusal(response: ClientResponse) -> tuple[int, str]:
    """The status and kind of an error, which must have the promised form."""
    body = await response.json()
    assert set(body) == {"error", "message"} and body["message"]
    return response.status, body["error"]


async def next_list(response: ClientResponse) -> Any:
    """The next event of an event stream."""
    event = await response.content.readuntil(b"\n\n")
    assert event.startswith(b"data: ") and event.count(b"\n") == 2
    return json.loads(event.removeprefix(b"data: "))
