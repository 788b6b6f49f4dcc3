"""Calls of ours that wait for their replies."""

import asyncio

from dbus_fast import MessageType

from libvirt_webrtc.display.header import Header
from libvirt_webrtc.display.incoming import Incoming
from libvirt_webrtc.errors import DisplayError

_MAX_REASON = 300
"""Characters of an error reply's text that an error of ours repeats."""


class CallFailed(DisplayError):
    """The other side answered a call with an error; ``name`` is the error's name on D-Bus."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{text} ({name})")
        self.name = name


class CallTimeout(DisplayError):
    """The other side did not answer in time."""


class PendingCalls:
    """Futures of replies, by the serial of their call."""

    def __init__(self) -> None:
        self._replies: dict[int, asyncio.Future[Incoming]] = {}

    def begin(self, serial: int) -> asyncio.Future[Incoming]:
        """The future of the reply to the call of this serial."""
        reply: asyncio.Future[Incoming] = asyncio.get_running_loop().create_future()
        self._replies[serial] = reply
        return reply

    def end(self, serial: int) -> None:
        """Nobody waits for this reply any more."""
        self._replies.pop(serial, None)

    def answer(self, header: Header, body: memoryview) -> None:
        """A reply has come; one that nobody waits for is dropped unread. Raises Unreadable."""
        if header.kind not in (MessageType.METHOD_RETURN, MessageType.ERROR):
            return
        reply = self._replies.get(header.reply_serial)
        if reply is None or reply.done():
            return
        message = Incoming.read(header, body, [])
        if header.kind is MessageType.ERROR:
            text = " ".join(str(message.body[0]).split()) if message.body else "no reason given"
            reply.set_exception(CallFailed(header.error_name, text[:_MAX_REASON]))
        else:
            reply.set_result(message)

    def fail(self, reason: DisplayError) -> None:
        """The connection has ended: every call raises ``reason``."""
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(reason)
