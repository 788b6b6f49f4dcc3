"""The socket under a D-Bus connection: whole messages in and out, with their file descriptors.

Small messages are cut out of one read buffer. The body of one that does not fit is read straight into a buffer of its
own, so that a picture's bytes are moved once, by the kernel. Whoever keeps a view of a body keeps the body.
"""

import array
import asyncio
import socket
from collections.abc import Sequence
from time import monotonic
from typing import Protocol

from libvirt_webrtc.display.body_buffers import BodyBuffers
from libvirt_webrtc.display.header import MAX_UNIX_FDS, Header, parse_header
from libvirt_webrtc.display.incoming import close_fds
from libvirt_webrtc.display.send_queue import SendQueue
from libvirt_webrtc.errors import DisplayClosed, DisplayError, DisplayProtocolError

READ_BUFFER_BYTES = 32 << 10
"""Bytes that are read at once; some 200 of the smallest messages, which take about 10 ms."""

READ_BUDGET_S = 0.005
"""Seconds after which the loop's other callbacks get their turn, however much waits to be read. Bytes are no measure: a
megabyte is a part of one picture, or 7,000 pointer positions."""

MAX_LINE_BYTES = 1024
"""Longest line of the authentication; GDBus's are below 100 bytes."""

_ANCILLARY_BYTES = socket.CMSG_SPACE(MAX_UNIX_FDS * array.array("i").itemsize)


class Receiver(Protocol):
    """Takes what is read. Its methods may end the transport; a DisplayError that one raises ends it."""

    def line(self, line: bytes) -> bool:
        """A line of the authentication; True when it was the last, and messages follow."""

    def body_limit(self, header: Header) -> int:
        """The largest body of this message that is taken, in bytes."""

    def oversized(self, header: Header) -> None:
        """The message of this header has a larger body. It is thrown away, unless this raises."""

    def message(self, header: Header, body: memoryview, fds: list[int]) -> None:
        """One message; ``body`` and ``fds`` are the receiver's own."""

    def ended(self, reason: DisplayError) -> None:
        """The connection has ended. Called once."""


class Transport:
    """Owns a connected stream socket. Everything runs in the callbacks of the loop that it was made in.

    Attributes:
        stray_fds: file descriptors that came without belonging to a message; they are closed.
    """

    def __init__(self, sock: socket.socket, receiver: Receiver) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self.stray_fds = 0
        self._closed = False
        self._authenticating = True
        self._queue = SendQueue(sock)
        self._buffer = memoryview(bytearray(READ_BUFFER_BYTES))
        self._start = self._end = 0
        self._fds: list[int] = []
        self._body: _Body | None = None
        self._dropping = 0
        self._buffers = BodyBuffers()
        self._loop.add_reader(sock, self._on_readable)

    def send(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Send now, or queue; ``fds`` stay the caller's. Never raises for a broken connection: that ends here."""
        if self._closed:
            return
        try:
            self._queue.send(data, fds)
        except OSError as error:
            self.end(_broken(error))
        except DisplayClosed as error:
            self.end(error)
        else:
            if not self._queue.empty:
                self._loop.add_writer(self._sock, self._on_writable)

    def end(self, reason: DisplayError) -> None:
        """Close the socket and every file descriptor that nobody has taken. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        close_fds(self._fds)
        self._queue.clear()
        self._body = None
        self._buffers.trim()
        self._receiver.ended(reason)

    def trim(self) -> None:
        """Free the memory that is only kept for speed."""
        self._buffers.trim()

    def _on_writable(self) -> None:
        try:
            self._queue.flush()
        except OSError as error:
            self.end(_broken(error))
        else:
            if self._queue.empty:
                self._loop.remove_writer(self._sock)

    def _on_readable(self) -> None:
        ends_at = monotonic() + READ_BUDGET_S
        try:
            while not self._closed:
                if self._body is not None:
                    count = self._read_body()
                elif self._dropping:
                    count = self._drop_body()
                else:
                    count = self._read_messages()
                if count == 0:
                    self.end(DisplayClosed("the display closed the connection"))
                if monotonic() >= ends_at:
                    return
        except BlockingIOError:
            return
        except OSError as error:
            self.end(_broken(error))
        except DisplayError as error:
            self.end(error)
        except Exception as error:
            # A mistake of ours in a handler: the loop reports it, and QEMU must not wait for an answer.
            self.end(DisplayClosed(f"reading the display failed: {error!r}"))
            raise

    def _read_body(self) -> int:
        """Read on in a large body, never past its end. The kernel closes file descriptors that come in its middle."""
        body = self._body
        assert body is not None
        count = self._sock.recv_into(body.data[body.filled :])
        body.filled += count
        if body.filled == len(body.data):
            self._body = None
            self._deliver(body.header, body.data)
        return count

    def _drop_body(self) -> int:
        """Read on in a body that is too large, and throw it away."""
        count = self._sock.recv_into(self._buffer[: self._dropping])
        self._dropping -= count
        return count

    def _read_messages(self) -> int:
        count, ancillary, flags, _ = self._sock.recvmsg_into([self._buffer[self._end :]], _ANCILLARY_BYTES)
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self._fds += array.array("i", data[: len(data) - len(data) % 4])
        if flags & socket.MSG_CTRUNC or len(self._fds) > MAX_UNIX_FDS:
            raise DisplayProtocolError("more file descriptors came than any message has")
        self._end += count
        while not self._closed and self._body is None and not self._dropping and self._next():
            pass
        if self._start == self._end:
            self._start = self._end = 0
            if self._fds and self._body is None:
                # No message is under way that these could belong to.
                self.stray_fds += len(self._fds)
                close_fds(self._fds)
        elif self._start:
            rest = bytes(self._buffer[self._start : self._end])
            self._buffer[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        return count

    def _next(self) -> bool:
        """Take one line or message out of the read buffer; False when there is no whole one."""
        data = self._buffer[self._start : self._end]
        if self._authenticating:
            line, newline, _ = bytes(data).partition(b"\r\n")
            if not newline:
                if len(line) > MAX_LINE_BYTES:
                    raise DisplayProtocolError("the display did not answer as a D-Bus server")
                return False
            self._start += len(line) + 2
            self._authenticating = not self._receiver.line(line)
            return True
        header = parse_header(data)
        if header is None:
            return False
        size = header.size + header.body_size
        if header.body_size > self._receiver.body_limit(header):
            self._receiver.oversized(header)
            self._dropping = max(size - len(data), 0)
            self._start += min(size, len(data))
            close_fds(self._fds_of(header))
            return True
        if size <= len(data):
            self._start += size
            # A copy of some bytes: the read buffer's are about to change.
            self._deliver(header, memoryview(bytearray(data[header.size : size])))
            return True
        if size <= READ_BUFFER_BYTES:
            return False
        body = self._body = _Body(header, self._buffers.take(header.body_size))
        body.filled = len(data) - header.size
        body.data[: body.filled] = data[header.size :]
        self._start = self._end
        return True

    def _deliver(self, header: Header, body: memoryview) -> None:
        self._receiver.message(header, body, self._fds_of(header))

    def _fds_of(self, header: Header) -> list[int]:
        count = header.unix_fds
        if count > len(self._fds):
            raise DisplayProtocolError(f"{header.name} came without its file descriptors")
        fds, self._fds = self._fds[:count], self._fds[count:]
        return fds


class _Body:
    """A body that is being read into a buffer of its own."""

    __slots__ = ("data", "filled", "header")

    def __init__(self, header: Header, data: memoryview) -> None:
        self.header = header
        self.data = data
        self.filled = 0


def _broken(error: OSError) -> DisplayClosed:
    return DisplayClosed(f"the display's connection broke: {error.strerror or error}")
