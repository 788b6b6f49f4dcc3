"""Connections to a port that speaks TLS, from their first byte on."""

import asyncio
import logging
import socket
from asyncio import sslproto
from collections.abc import Callable, Sequence
from functools import partial

from libvirt_webrtc.concurrency.tasks import LongLivedTask, TaskSet
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.portal.addresses import client_of
from libvirt_webrtc.portal.connections import ConnectionOwner, Connections, PortalConnection
from libvirt_webrtc.portal.tls.plain_http import answer_plain
from libvirt_webrtc.portal.tls.portal_certificate import PortalCertificate

log = logging.getLogger(__name__)

HANDSHAKE_S = 10.0
"""A connection has to have begun TLS within this time."""

READ_BYTES = 16 * 1024
"""Of the buffer that each connection has for what arrives: a TLS record. asyncio's own is of 256 KiB, so that the
strangers' connections alone, which anybody can fill, would take 64 MB and more."""

SHUTDOWN_S = 2.0
"""How long the other side may take to end TLS, before its connection is ended all the same."""

NO_DESCRIPTOR_S = 0.5
"""Pause where no connection can be accepted."""

TLS_HANDSHAKE = b"\x16"
"""The first byte of TLS (RFC 8446, 5.1: ContentType)."""

MakeConnection = Callable[[], PortalConnection]


class TlsAcceptor:
    """Accepts connections from when it is made to :meth:`close`, each with the certificate that is in force then.

    Not asyncio's own server: that begins TLS at once, so that plain HTTP would have no answer, and counts a connection
    only when TLS has begun, so that anybody could have as many as there are descriptors.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        certificate: PortalCertificate,
        connections: Connections,
        make: MakeConnection,
    ) -> None:
        """
        Args:
            sockets: they listen, and do not block; closed with this object.
            certificate: what TLS begins with.
            connections: bounds those that have not begun TLS, together with those of strangers.
            make: makes the protocol of a connection that has.
        """
        sslproto.SSLProtocol.max_size = READ_BYTES
        self._sockets = sockets
        self._certificate = certificate
        self._connections = connections
        self._make = make
        self._failing = LimitedLogger(log)
        self._beginning = TaskSet(expected=(OSError, TimeoutError))
        self._accepting = [
            LongLivedTask(partial(self._accept, each), name="accepting connections") for each in sockets
        ]

    async def close(self) -> None:
        """Accept no more, and end what has not begun TLS. Idempotent."""
        for task in self._accepting:
            await task.close()
        for each in self._sockets:
            each.close()
        await self._beginning.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as error:
                self._failing.warning("no connection can be accepted: %s", error.strerror)
                await asyncio.sleep(NO_DESCRIPTOR_S)
                continue
            beginning = BeginningConnection(accepted, client_of(address[0]))
            beginning.task = self._beginning.start(self._begin(beginning), name="begin TLS")
            beginning.task.add_done_callback(partial(self._begun, beginning))
            self._connections.add(beginning)
            # sock_accept() does not wait where there is one already: others must have their turn in a flood.
            await asyncio.sleep(0)

    async def _begin(self, beginning: "BeginningConnection") -> None:
        """Begin TLS, or answer plain HTTP. Raises OSError or TimeoutError where the other side does not take part."""
        async with asyncio.timeout(HANDSHAKE_S):
            await _readable(beginning.sock)
            first = beginning.sock.recv(1, socket.MSG_PEEK)
            if first == TLS_HANDSHAKE:
                # The transport closes the socket from here on, however this ends.
                beginning.handed_over = True
                await asyncio.get_running_loop().connect_accepted_socket(
                    self._make,
                    beginning.sock,
                    ssl=self._certificate.context,
                    ssl_handshake_timeout=HANDSHAKE_S,
                    ssl_shutdown_timeout=SHUTDOWN_S,
                )
            elif first:
                await answer_plain(beginning.sock)

    def _begun(self, beginning: "BeginningConnection", _: "asyncio.Task[None]") -> None:
        # Not in _begin(): a task that is cancelled at once never gets there.
        self._connections.remove(beginning)
        if not beginning.handed_over:
            beginning.sock.close()


class BeginningConnection:
    """A connection that has not begun TLS; see :class:`BoundedConnection`."""

    def __init__(self, sock: socket.socket, client: str) -> None:
        self.sock = sock
        self.client = client
        self.owner: ConnectionOwner | None = None
        self.handed_over = False
        self.task: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        return self.task is None or self.task.done()

    def abort(self) -> None:
        if self.task is not None:
            self.task.cancel()


async def _readable(sock: socket.socket) -> None:
    """Return when there is something to read from ``sock``, or its end."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(sock, arrived.set)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(sock)
