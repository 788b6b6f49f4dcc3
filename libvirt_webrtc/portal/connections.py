"""Clients' connections: how many there may be, and what becomes of a request that is not even HTTP.

Any process on this machine can open connections, so their number and their time are bounded. A new one is always taken,
and an old one ended in its place. Whoever has a live session, or the token, is never ended for somebody who has not.
"""

import asyncio
import logging
import resource
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.most import of_most
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.portal.addresses import client_of
from libvirt_webrtc.portal.headers import add_headers
from libvirt_webrtc.portal.problems import Problem

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 15.0
"""A request's head has to be complete this many seconds after its connection was made, or after the answer before it.
A browser sends one at once, and opens another connection where it comes back later."""

MAX_FIELD_BYTES = 8190
"""Limit for each line of a request's head."""

MAX_DESCRIPTORS = 65536
"""The limit for descriptors that the service asks for, where the system lets it: as in examples/systemd."""

_NO_ACCESS_LOG: dict[str, Any] = {"access_log": None}
"""aiohttp takes None, which its annotations do not say."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections there may be.

    Each takes about 45 KB while it streams events, 60 KB by TLS. A browser opens six at most.
    """

    strangers: int = 256
    """Of all who have shown neither a session nor the token, yet. 256 of them have to be accepted between somebody's
    connection and its request, which comes with it, to push that one out."""
    session: int = 64
    """Of one session; and of whoever has no more than its cookie, which is not a proof."""
    programs: int = 256
    """Of all programs with the token together."""
    known: int = 1024
    """Of all sessions together."""

    @classmethod
    def for_process(cls) -> "ConnectionLimits":
        """As many as this process's limit of descriptors allows; the limit is raised as far as it may be."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        # Three quarters at most: consoles and libvirt need some, too.
        ample = cls()
        return cls(
            min(ample.strangers, most // 4),
            min(ample.session, most // 8),
            min(ample.programs, most // 8),
            min(ample.known, most // 2),
        )


class ConnectionOwner(Protocol):
    """A session, or whoever has no more than its cookie; no two are equal."""

    @property
    def responsible(self) -> str:
        """Who answers for it: of one person many may be."""
        ...


class BoundedConnection(Protocol):
    """A connection, as far as it is counted."""

    @property
    def client(self) -> str:
        """As :func:`client_of` tells clients apart."""
        ...

    owner: ConnectionOwner | None
    """The session whose requests came on it; None: nobody's yet."""

    @property
    def ended(self) -> bool:
        """Whether it is over, or about to be."""
        ...

    def abort(self) -> None:
        """End it now, whatever is not sent yet: who does not read would otherwise keep it open."""
        ...


class Connections:
    """All connections, by whose they are.

    Args:
        limits: how many there may be.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.refused = LimitedLogger(log)
        """For requests that are refused before anybody looked at them."""
        self._limits = limits
        self._strangers: dict[BoundedConnection, None] = {}
        self._known: dict[ConnectionOwner, dict[BoundedConnection, None]] = {}
        self._ended = LimitedLogger(log)

    def add(self, connection: BoundedConnection) -> None:
        """Take a new connection, and end another where there are too many."""
        self._strangers[connection] = None
        if len(self._strangers) > self._limits.strangers:
            clients = Counter(one.client for one in self._strangers)
            client, _ = clients.most_common(1)[0]
            self._end(next(one for one in self._strangers if one.client == client), client)

    def claim(self, connection: BoundedConnection, owner: ConnectionOwner, *, program: bool) -> None:
        """Note that a request on this connection came with ``owner``'s session, or from a program with the token.

        Past a limit the connection is ended whose last request is the longest ago: of this owner, or of the one that
        has most among those of the person who has most.
        """
        if connection.ended:
            return
        self.remove(connection)
        connection.owner = owner
        mine = self._known.setdefault(owner, {})
        mine[connection] = None
        if len(mine) > (self._limits.programs if program else self._limits.session):
            self._end(next(iter(mine)), "all programs with the token" if program else "one session")
        elif sum(map(len, self._known.values())) > self._limits.known:
            owners = [one for one, theirs in self._known.items() for _ in theirs]
            most = of_most(owners, lambda one: one.responsible, id)
            self._end(next(iter(self._known[most[0]])), "all sessions")

    def remove(self, connection: BoundedConnection) -> None:
        """Forget a connection. Idempotent."""
        self._strangers.pop(connection, None)
        owner = connection.owner
        if owner is not None and (mine := self._known.get(owner)) is not None:
            mine.pop(connection, None)
            if not mine:
                del self._known[owner]

    def __len__(self) -> int:
        return len(self._strangers) + sum(map(len, self._known.values()))

    def _end(self, connection: BoundedConnection, whose: str) -> None:
        self._ended.warning("too many connections of %s: the oldest is ended", whose)
        self.remove(connection)
        connection.abort()


class PortalConnection(web.RequestHandler):
    """One client's connection.

    Attributes:
        client: as :func:`client_of` tells clients apart.
        owner: the session whose requests came on it; None: nobody's yet.
        lost: set when the connection has ended.
    """

    __slots__ = ("_connections", "_raw_transport", "client", "lost", "owner")

    def __init__(self, server: web.Server, connections: Connections) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=KEEP_ALIVE_S,
            lingering_time=limits.BODY_S,
            max_line_size=MAX_FIELD_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            **_NO_ACCESS_LOG,
        )
        self.client = ""
        self.owner: ConnectionOwner | None = None
        self.lost = asyncio.Event()
        self._connections = connections
        self._raw_transport: asyncio.Transport | None = None

    @property
    def ended(self) -> bool:
        """Whether it is over, or about to be."""
        return self._raw_transport is None or self._raw_transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._raw_transport = transport
        peer = transport.get_extra_info("peername")
        self.client = client_of(peer[0] if peer else None)
        super().connection_made(transport)
        self._connections.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connections.remove(self)
        self.lost.set()
        super().connection_lost(exc)

    def claim(self, owner: ConnectionOwner, *, program: bool = False) -> None:
        """Note whose session, or token, came with a request: strangers do not push this connection out now."""
        self._connections.claim(self, owner, program=program)

    def abort(self) -> None:
        """End it now, whatever is not sent yet: who does not read would otherwise keep it open."""
        if self._raw_transport is not None:
            self._raw_transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what aiohttp could not read as a request, or could not answer.

        Neither its answer nor its log: both repeat what the client sent, cookies and tokens included.
        """
        self.log_exception(f"a request from {self.client}", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun and cannot be completed")
        if isinstance(exc, LineTooLong):
            text = (
                f"a line of the request's head is longer than {MAX_FIELD_BYTES} bytes; if it is the cookies of other "
                "programs on this host, remove those in the browser"
            )
            problem = Problem(431, "head_too_large", text)
        elif isinstance(exc, HttpProcessingError):
            problem = Problem(400, "bad_request", "this is not a request as HTTP has it")
        else:
            problem = Problem(500, "internal", "an internal error; the server's log has the details")
        response = problem.response()
        add_headers(response.headers)
        response.force_close()
        return response

    def log_exception(self, *args: object, **kwargs: object) -> None:
        """Log the kind of an error and where it was raised, never its text: that may be what the client sent."""
        what = args[0] if args else "a connection"
        self._connections.refused.warning("%s: %s", what, _kind(kwargs.get("exc_info")))


def connection_of(request: web.BaseRequest) -> PortalConnection:
    """The connection on which a request came."""
    connection = request.protocol
    assert isinstance(connection, PortalConnection)
    return connection


def _kind(error: object) -> str:
    if not isinstance(error, BaseException):
        return "an error"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return type(error).__name__ + where
