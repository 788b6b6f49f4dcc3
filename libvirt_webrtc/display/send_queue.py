"""Outgoing bytes of one socket, with the file descriptors that go with them."""

import array
import os
import socket
from collections import deque
from collections.abc import Sequence

from libvirt_webrtc.display.incoming import close_fds
from libvirt_webrtc.errors import DisplayClosed

MAX_QUEUED_BYTES = 1 << 20
"""Unsent bytes after which the other side counts as gone. QEMU reads what it is sent within milliseconds."""


class SendQueue:
    """Sends at once where the socket takes it, else keeps the order and waits. Does not own the socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._waiting: deque[tuple[memoryview, list[int]]] = deque()
        self._bytes = 0

    @property
    def empty(self) -> bool:
        return not self._waiting

    def send(self, data: bytes, fds: Sequence[int]) -> None:
        """Send now or keep for :meth:`flush`; ``fds`` stay the caller's.

        Raises:
            OSError: the connection is broken.
            DisplayClosed: the other side has not read for too long.
        """
        rest = memoryview(data)
        if not self._waiting:
            sent = self._send_some(rest, fds)
            if sent == len(rest):
                return
            rest, fds = rest[sent:], () if sent else fds
        self._bytes += len(rest)
        if self._bytes > MAX_QUEUED_BYTES:
            raise DisplayClosed("the display does not read what it is sent")
        # The caller may close its own before these go out.
        self._waiting.append((rest, [os.dup(fd) for fd in fds]))

    def flush(self) -> None:
        """Send what the socket takes now. Raises OSError where the connection is broken."""
        while self._waiting:
            data, fds = self._waiting[0]
            sent = self._send_some(data, fds)
            if not sent:
                return
            close_fds(fds)
            self._bytes -= sent
            if sent < len(data):
                self._waiting[0] = (data[sent:], [])
            else:
                self._waiting.popleft()

    def clear(self) -> None:
        """Drop everything and close its file descriptors."""
        for _, fds in self._waiting:
            close_fds(fds)
        self._waiting.clear()

    def _send_some(self, data: memoryview, fds: Sequence[int]) -> int:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            return self._sock.sendmsg([data], ancillary)
        except BlockingIOError:
            return 0
