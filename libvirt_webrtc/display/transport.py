"""The socket under a D-Bus connection: whole messages in and out, with their file descriptors.

Small messages are cut out of one read buffer. The body of one that does not fit is read straight into a buffer of its
own, so that a picture's bytes are moved once, by the kernel. Whoever keeps a view of a body keeps the body; its buffer
is used again when the last view has gone.
"""

import array
import asyncio
import os
import socket
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from libvirt_webrtc.display.wire import MAX_UNIX_FDS, Header, parse_header
from libvirt_webrtc.errors import DisplayClosed, DisplayError, DisplayProtocolError

MAX_QUEUED_BYTES = 1 << 20
"""Unsent bytes after which the other side counts as gone."""

READ_BUFFER_BYTES = 64 << 10
READ_BUDGET_BYTES = 16 << 20
"""Read at most this much before other callbacks get their turn: about 5 ms of work."""

KEPT_BODY_BYTES = 40 << 20
"""A body buffer up to this size is kept for the next message; a 4K picture has 33 MB."""
KEPT_BODIES = 2
"""As many: while one picture is shown and another encoded, a third is read."""

MAX_LINE_BYTES = 1024

_ANCILLARY_BYTES = socket.CMSG_SPACE(MAX_UNIX_FDS * array.array("i").itemsize)


class Receiver(Protocol):
    """What the bytes are for. Its methods may close the transport."""

    def line(self, line: bytes) -> bool:
        """A line of the authentication; True when it was the last, and messages follow."""

    def body_limit(self, header: Header) -> int:
        """The most bytes that the body of this message may have."""

    def message(self, header: Header, head: memoryview, body: memoryview, fds: list[int]) -> None:
        """One message; ``head`` is valid during the call, ``body`` and ``fds`` are the receiver's own."""

    def ended(self, reason: DisplayError) -> None:
        """The connection has ended; called once."""


class Transport:
    """Owns a connected stream socket; everything runs in the loop's callbacks.

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
        self._queue: deque[tuple[memoryview, list[int]]] = deque()
        self._queued = 0
        self._buffer = memoryview(bytearray(READ_BUFFER_BYTES))
        self._start = self._end = 0
        self._fds: list[int] = []
        self._body: _Body | None = None
        self._buffers = _BodyBuffers()
        self._loop.add_reader(sock, self._on_readable)

    def send(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Sends now or queues; ``fds`` stay the caller's. A connection that fails here ends."""
        if self._closed:
            return
        rest = memoryview(data)
        if not self._queue:
            try:
                sent = self._send_some(rest, fds)
            except OSError as error:
                self.end(_broken(error))
                return
            if sent == len(rest):
                return
            rest, fds = rest[sent:], () if sent else fds
        self._queued += len(rest)
        if self._queued > MAX_QUEUED_BYTES:
            self.end(DisplayClosed("the display does not read what it is sent"))
            return
        # The caller may close its own before these go out.
        self._queue.append((rest, [os.dup(fd) for fd in fds]))
        self._loop.add_writer(self._sock, self._on_writable)

    def end(self, reason: DisplayError) -> None:
        """Closes the socket and everything received that nobody has taken; again is fine."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        close_fds(self._fds)
        for _, fds in self._queue:
            close_fds(fds)
        self._queue.clear()
        self._body = None
        self._buffers.trim()
        self._receiver.ended(reason)

    def trim(self) -> None:
        """Lets go of the memory that is only kept for speed."""
        self._buffers.trim()

    def _send_some(self, data: memoryview, fds: Sequence[int]) -> int:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            return self._sock.sendmsg([data], ancillary)
        except BlockingIOError:
            return 0

    def _on_writable(self) -> None:
        try:
            while self._queue:
                data, fds = self._queue[0]
                sent = self._send_some(data, fds)
                if not sent:
                    return
                close_fds(fds)
                self._queued -= sent
                if sent < len(data):
                    self._queue[0] = (data[sent:], [])
                else:
                    self._queue.popleft()
            self._loop.remove_writer(self._sock)
        except OSError as error:
            self.end(_broken(error))

    def _on_readable(self) -> None:
        budget = READ_BUDGET_BYTES
        try:
            while budget > 0 and not self._closed:
                count = self._read_body() if self._body is not None else self._read_messages()
                if count == 0:
                    self.end(DisplayClosed("the display closed the connection"))
                budget -= count
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
        """Reads on in a large body, never past its end. File descriptors in its middle the kernel drops."""
        body = self._body
        assert body is not None
        count = self._sock.recv_into(body.data[body.filled :])
        body.filled += count
        if body.filled == len(body.data):
            self._body = None
            self._deliver(body.header, memoryview(body.head), body.data)
        return count

    def _read_messages(self) -> int:
        count, ancillary, flags, _ = self._sock.recvmsg_into([self._buffer[self._end :]], _ANCILLARY_BYTES)
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self._fds += array.array("i", data[: len(data) - len(data) % 4])
        if flags & socket.MSG_CTRUNC or len(self._fds) > MAX_UNIX_FDS:
            raise DisplayProtocolError("more file descriptors came than any message has")
        self._end += count
        while not self._closed and self._body is None and self._next():
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
        """Takes one line or message out of the read buffer; False when there is no whole one."""
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
        limit = self._receiver.body_limit(header)
        if header.body_size > limit:
            raise DisplayProtocolError(
                f"{header.member or 'a reply'} with {header.body_size} bytes; at most {limit} are taken"
            )
        size = header.size + header.body_size
        if size <= len(data):
            self._start += size
            # A copy of some bytes: the read buffer's are about to change.
            self._deliver(header, data[: header.size], memoryview(bytearray(data[header.size : size])))
            return True
        if size <= READ_BUFFER_BYTES:
            return False
        body = self._body = _Body(header, bytes(data[: header.size]), self._buffers.take(header.body_size))
        body.filled = len(data) - header.size
        body.data[: body.filled] = data[header.size :]
        self._start = self._end
        return True

    def _deliver(self, header: Header, head: memoryview, body: memoryview) -> None:
        count = header.unix_fds
        if count > len(self._fds):
            raise DisplayProtocolError(f"{header.member or 'a reply'} came without its file descriptors")
        fds, self._fds = self._fds[:count], self._fds[count:]
        self._receiver.message(header, head, body, fds)


class _Body:
    """A body that is being read into a buffer of its own."""

    __slots__ = ("data", "filled", "head", "header")

    def __init__(self, header: Header, head: bytes, data: memoryview) -> None:
        self.header = header
        self.head = head
        self.data = data
        self.filled = 0


class _BodyBuffers:
    """Memory for large bodies. What is lent comes back by itself, from whichever thread lets go of the last view."""

    def __init__(self) -> None:
        self._kept: list[npt.NDArray[np.uint8]] = []

    def take(self, size: int) -> memoryview:
        """``size`` writable bytes, for as long as somebody holds a view of them."""
        try:
            memory = self._kept.pop()
        except IndexError:
            memory = np.empty(size, np.uint8)
        if len(memory) < size:
            # A larger mode has begun; the others are too small as well.
            self.trim()
            memory = np.empty(size, np.uint8)
        # Every view of a view keeps this one alive, but not the other way round.
        lent = np.frombuffer(memory.data, np.uint8, size)
        weakref.finalize(lent, self._give_back, memory).atexit = False
        return lent.data

    def trim(self) -> None:
        """Keep nothing."""
        self._kept = []

    def _give_back(self, memory: npt.NDArray[np.uint8]) -> None:
        if len(self._kept) < KEPT_BODIES and len(memory) <= KEPT_BODY_BYTES:
            self._kept.append(memory)


def close_fds(fds: list[int]) -> None:
    """Closes what is left in ``fds`` (a negative one was taken) and empties it."""
    for fd in fds:
        if fd >= 0:
            os.close(fd)
    fds.clear()


def _broken(error: OSError) -> DisplayClosed:
    return DisplayClosed(f"the display's connection broke: {error.strerror or error}")
