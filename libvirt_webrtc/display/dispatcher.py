"""Calls that come over a D-Bus connection: to our handlers, and their answers back."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from libvirt_webrtc.display.exports import BusMethod, Exports, ExportTable, Frame, ReplyBody, UnknownMember
from libvirt_webrtc.display.header import Header
from libvirt_webrtc.display.incoming import Incoming
from libvirt_webrtc.display.unmarshal import Unreadable
from libvirt_webrtc.errors import DisplayError, DisplayProtocolError
from libvirt_webrtc.logs import LimitedLogger

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = (1 << 20) + (64 << 10)
"""Largest body of any message but a ``Frame``, in bytes; a cursor of 512 x 512 pixels fits."""

_UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
_INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"
_MAX_TEXT = 300
"""Characters of a reason that are sent or logged: parts of it come from the other side."""

Reply = Callable[[Header, str, Sequence[Any], str | None], None]
"""Sends the answer to the call of this header: signature, values, and the error's name or None."""


class Dispatcher:
    """Calls the exported methods. A call that is rejected is counted and answered with an error.

    Attributes:
        rejected: calls that a handler rejected, or that nobody handles.
    """

    def __init__(self, exports: Exports, reply: Reply) -> None:
        self.rejected = 0
        self._exports = ExportTable(exports)
        self._reply = reply
        self._log = LimitedLogger(logger)

    def body_limit(self, header: Header) -> int:
        """The largest body of this call that is taken, in bytes."""
        method = self._find(header)
        return method.max_bytes if isinstance(method, Frame) else MAX_BODY_BYTES

    def oversized(self, header: Header) -> None:
        """This call has a larger body, which will be thrown away.

        Raises:
            DisplayProtocolError: nothing that is exported here has such a body.
        """
        error = DisplayProtocolError(
            f"{header.name} with {header.body_size} bytes; at most {self.body_limit(header)} are taken"
        )
        method = self._find(header)
        if not isinstance(method, Frame):
            raise error
        if method.oversized is not None:
            method.oversized(header.body_size)
        self._reject(header, error)

    def call(self, header: Header, body: memoryview, fds: list[int]) -> None:
        """Handle one call; what is left in ``fds`` afterwards is the caller's to close. Raises Unreadable."""
        try:
            method = self._find(header)
            if method is None:
                raise UnknownMember(f"no method {header.interface}.{header.member} at {header.path}")
            if header.signature != method.signature:
                raise DisplayProtocolError(f"{header.member} with signature {header.signature!r}")
            if isinstance(method, Frame):
                if not header.little_endian:
                    raise DisplayProtocolError(f"{header.member} is big-endian")
                method.handler(body)
                result: ReplyBody = ()
            else:
                result = method.handler(Incoming.read(header, body, fds))
        except Unreadable:
            raise
        except (DisplayProtocolError, UnknownMember) as error:
            self._reject(header, error)
        else:
            if header.wants_reply:
                self._answer(header, method.reply if isinstance(method, BusMethod) else "", result)

    def clear(self) -> None:
        """Export nothing any more, and release the handlers."""
        self._exports.clear()

    def _find(self, header: Header) -> BusMethod | Frame | None:
        return self._exports.find(header.path, header.interface, header.member)

    def _answer(self, header: Header, signature: str, result: ReplyBody) -> None:
        if isinstance(result, asyncio.Future):
            result.add_done_callback(lambda done: self._reply(header, signature, done.result(), None))
        else:
            self._reply(header, signature, result, None)

    def _reject(self, header: Header, error: DisplayError) -> None:
        self.rejected += 1
        text = str(error)[:_MAX_TEXT]
        self._log.warning("display: rejected: %s", text)
        if header.wants_reply:
            name = _UNKNOWN_METHOD if isinstance(error, UnknownMember) else _INVALID_ARGS
            self._reply(header, "s", (text,), name)
