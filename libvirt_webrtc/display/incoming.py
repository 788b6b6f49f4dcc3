"""A D-Bus message that has come in, and its file descriptors."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from libvirt_webrtc.display.header import Header
from libvirt_webrtc.display.wire import unmarshal
from libvirt_webrtc.errors import DisplayProtocolError


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message with its values. Its file descriptors are closed after it was handled, except those taken."""

    header: Header
    body: Sequence[Any]
    """The values, as many and of such types as ``header.signature`` says; ``h`` is an index for :meth:`take_fd`."""
    fds: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, header: Header, body: memoryview, fds: list[int]) -> "Incoming":
        """The message of this header and body, with ``fds`` itself. Raises Unreadable."""
        return cls(header, unmarshal(header.signature, body, little_endian=header.little_endian), fds)

    def take_fd(self, index: int) -> int:
        """The caller's own from now on.

        Raises:
            DisplayProtocolError: the message has no such file descriptor, or it was taken before.
        """
        if not 0 <= index < len(self.fds) or self.fds[index] < 0:
            raise DisplayProtocolError(f"{self.header.name} without a file descriptor")
        fd, self.fds[index] = self.fds[index], -1
        return fd

    def take_fds(self, indexes: Sequence[int]) -> list[int]:
        """All of these or, as :meth:`take_fd` raises, none."""
        fds: list[int] = []
        try:
            for index in indexes:
                fds.append(self.take_fd(index))
        except DisplayProtocolError:
            close_fds(fds)
            raise
        return fds


def close_fds(fds: list[int]) -> None:
    """Close what is left in ``fds`` (a negative one was taken) and empty it."""
    for fd in fds:
        if fd >= 0:
            os.close(fd)
    fds.clear()
