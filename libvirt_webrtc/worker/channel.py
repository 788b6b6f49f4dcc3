"""One end of the socket pair between the supervisor and a worker.

A ``SOCK_SEQPACKET`` pair keeps message boundaries, so one packet is one message, and a descriptor arrives with exactly
the message it belongs to.
"""

import array
import asyncio
import os
import socket
from collections.abc import Sequence

from libvirt_webrtc.errors import WorkerError, WorkerGone
from libvirt_webrtc.worker.ipc import MAX_PACKET, Message, decode, encode

MAX_FDS = 4
"""Descriptors taken with one packet; more than any message carries."""


class Channel:
    """One end of the pair. Owns its socket; received descriptors belong to whoever called :meth:`receive`."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._send_lock = asyncio.Lock()
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False

    @staticmethod
    def pair() -> tuple[socket.socket, socket.socket]:
        """Two connected sockets that a Channel can be made of."""
        return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    async def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Send a message; waits while the other end does not read. May be cancelled: the message is then not sent.

        ``fds`` stay the caller's.

        Raises:
            WorkerGone: the other end is closed, or this one.
            MessageRefused: the message cannot be sent; the channel goes on.
        """
        packet = encode(message)
        async with self._send_lock:
            while not self._closed:
                try:
                    socket.send_fds(self._sock, [packet], fds)
                    return
                except BlockingIOError:
                    await self._ready(for_writing=True)
                except OSError as error:
                    raise WorkerGone("the other process is gone") from error
        raise WorkerGone("this channel is closed")

    async def receive(self) -> tuple[Message, list[int]]:
        """The next message and the descriptors that came with it, which the caller must close. May be cancelled.

        Raises:
            WorkerGone: the other end, or this one, is closed.
            WorkerError: what came is not a message.
        """
        while not self._closed:
            try:
                packet, fds = _receive(self._sock)
            except BlockingIOError:
                await self._ready(for_writing=False)
                continue
            except OSError as error:
                raise WorkerGone("the other process is gone") from error
            if not packet:
                raise WorkerGone("the other process is gone")
            try:
                return decode(packet), fds
            except WorkerError:
                for fd in fds:
                    os.close(fd)
                raise
        raise WorkerGone("this channel is closed")

    def close(self) -> None:
        """Close the socket; whoever waits in send or receive gets WorkerGone."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._sock)
        loop.remove_writer(self._sock)
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._sock.close()

    async def _ready(self, *, for_writing: bool) -> None:
        loop = asyncio.get_running_loop()
        add, remove = (
            (loop.add_writer, loop.remove_writer) if for_writing else (loop.add_reader, loop.remove_reader)
        )
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.add(future)
        # The number: asyncio formats the repr() of a socket that it is not watching yet, and throws it away.
        fd = self._sock.fileno()
        add(fd, _resolve, future)
        try:
            await future
        finally:
            self._waiting.discard(future)
            if not self._closed:
                remove(fd)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    """One packet with its descriptors, which are closed on exec (``MSG_CMSG_CLOEXEC``)."""
    space = socket.CMSG_SPACE(MAX_FDS * array.array("i").itemsize)
    packet, ancillary, _, _ = sock.recvmsg(MAX_PACKET, space, socket.MSG_CMSG_CLOEXEC)
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return packet, list(fds)
