"""One viewer's messages over a stream socket, between the portal's side and the worker.

Each message has its length before it: four bytes, big-endian. Both ends are bounded in what they take and keep, since
behind one is a viewer and behind the other a process that reads what a guest sends.
"""

import asyncio
import socket
import struct

from libvirt_webrtc.errors import ViewerProtocolError, WorkerGone

_LENGTH = struct.Struct(">I")

KERNEL_BYTES = 64 * 1024
"""What the kernel keeps of each direction: enough for every message but a large CURSOR at once, and at 5 Mbit/s a tenth
of a second. What waits here is late by the time that it takes to leave."""


class MessageSocket:
    """One end. Owns its socket, which is closed by :meth:`close`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, largest: int) -> None:
        self._reader = reader
        self._writer = writer
        self._largest = largest
        # drain() then waits until all has gone into the kernel.
        writer.transport.set_write_buffer_limits(high=0)

    @staticmethod
    def pair() -> tuple[socket.socket, socket.socket]:
        """Two connected sockets that a MessageSocket can be made of."""
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        for sock in pair:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        return pair

    @classmethod
    async def open(cls, sock: socket.socket, *, largest: int) -> "MessageSocket":
        """Take ``sock`` over; messages that are longer than ``largest`` are refused."""
        sock.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=sock, limit=KERNEL_BYTES)
        return cls(reader, writer, largest)

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return self._writer.transport.get_write_buffer_size()

    async def receive(self) -> bytes | None:
        """The next message; None when the other end has closed. May be cancelled, and is of no use after that.

        Raises:
            ViewerProtocolError: it is longer than it may be.
        """
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            if length > self._largest:
                raise ViewerProtocolError(f"a message of {length} bytes, of at most {self._largest}")
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def write(self, message: bytes) -> None:
        """Have a message sent; what is not sent yet is kept. Nothing is done once either end has closed."""
        if not self._writer.is_closing():
            self._writer.write(_LENGTH.pack(len(message)) + message)

    async def drain(self) -> None:
        """Return when the kernel has taken everything. May be cancelled.

        Raises:
            WorkerGone: the other end has closed, or this one.
        """
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise WorkerGone("the other end of a viewer's stream is gone") from error
        if self._writer.is_closing():
            raise WorkerGone("the stream is closed")

    def close(self) -> None:
        """Take nothing more, and close when the rest has been sent. Idempotent."""
        self._writer.close()

    async def wait_closed(self, limit_s: float) -> None:
        """Return when the rest has been sent and the socket is closed, after ``limit_s`` in any case."""
        self._writer.close()
        try:
            async with asyncio.timeout(limit_s):
                await self._writer.wait_closed()
        except TimeoutError:
            self._writer.transport.abort()
        except ConnectionError:
            pass  # The other end went first: it is closed.
