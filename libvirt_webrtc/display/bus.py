"""A D-Bus connection over one connected Unix socket: nothing said but what QEMU needs.

QEMU serves its display to a peer, without names, and is the server in the authentication even where it is the one that
calls (listeners). Or both are on a bus: ``daemon.py`` says what that takes besides. dbus-fast's own MessageBus
cannot be used: it opens its socket itself and always says Hello.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from dbus_fast import Message, MessageType

from libvirt_webrtc.display import wire
from libvirt_webrtc.display.address import peer_user
from libvirt_webrtc.display.exports import Answer, Exports, ExportTable, Frame, Method, UnknownMember
from libvirt_webrtc.display.transport import Transport, close_fds
from libvirt_webrtc.errors import DisplayClosed, DisplayError, DisplayProtocolError

logger = logging.getLogger(__name__)

AUTH_TIMEOUT_S = 10.0
CALL_TIMEOUT_S = 5.0
MAX_MESSAGE_BYTES = (1 << 20) + (64 << 10)
"""Body of any message but a ``Frame``; a cursor of 512 x 512 pixels fits."""

_UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
_INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"


class CallFailed(DisplayError):
    """The other side answered a call with an error; ``name`` is D-Bus's name of it."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{text} ({name})")
        self.name = name


class CallTimeout(DisplayError):
    """The other side did not answer in time."""


class Bus:
    """One connection. Owns its socket, and every file descriptor that nobody took from a message.

    Made inside a running loop; reading and authenticating begin at once, in the loop's callbacks. A call
    that a handler rejects is counted and the connection goes on; a broken message stream ends it.

    Attributes:
        destination: on a bus, whom calls are for; None where nobody else is at the other end.
        rejected: messages that a handler refused, or that nobody handles.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        exports: Exports | None = None,
        on_signal: Callable[[Message], None] | None = None,
        to_daemon: bool = False,
    ) -> None:
        """``to_daemon``: a bus daemon is at the other end of ``sock``, rather than QEMU."""
        self._exports = ExportTable(exports or {})
        self._on_signal = on_signal
        self.destination: str | None = None
        self.rejected = 0
        self._reason: DisplayError | None = None
        self._closed = asyncio.Event()
        self._ready = asyncio.Event()
        self._serial = 0
        self._calls: dict[int, asyncio.Future[Message]] = {}
        authentication = wire.AUTHENTICATE_BY_KERNEL if to_daemon else wire.authenticate_as(_pair_owner(sock))
        self._auth = list(authentication.answers)
        self._transport = Transport(sock, self)
        self._transport.send(authentication.request)

    @classmethod
    async def connect(
        cls,
        sock: socket.socket,
        *,
        exports: Exports | None = None,
        on_signal: Callable[[Message], None] | None = None,
        to_daemon: bool = False,
    ) -> "Bus":
        """A connection that is authenticated; takes ``sock`` over, also where it fails.

        Raises:
            DisplayClosed, DisplayProtocolError: the other side refused or went away.
            CallTimeout: it did not answer within ``AUTH_TIMEOUT_S``.
        """
        bus = cls(sock, exports=exports, on_signal=on_signal, to_daemon=to_daemon)
        try:
            await bus.authenticated()
        except BaseException:
            bus.close()
            raise
        return bus

    @property
    def closed(self) -> bool:
        return self._reason is not None

    @property
    def reason(self) -> DisplayError | None:
        """Why the connection ended; None while it lives."""
        return self._reason

    @property
    def stray_fds(self) -> int:
        """File descriptors that came without belonging to a message; they were closed."""
        return self._transport.stray_fds

    async def authenticated(self, timeout_s: float = AUTH_TIMEOUT_S) -> None:
        """Waits until the other side has taken us. Raises like ``connect``."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            raise CallTimeout(f"the display did not authenticate within {timeout_s:g} s") from None
        self._raise_if_closed()

    async def call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
        fds: Sequence[int] = (),
        *,
        destination: str | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> Message:
        """Calls a method and returns its reply. ``fds`` stay the caller's; file descriptors in the reply
        become so. ``destination`` is for this call alone.

        Raises:
            CallFailed: an error came back.
            CallTimeout: nothing came back in time.
            DisplayClosed, DisplayProtocolError: the connection has ended.
        """
        self._raise_if_closed()
        serial = self._next_serial()
        message = Message(
            destination=destination or self.destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
            unix_fds=list(fds),
            serial=serial,
        )
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._calls[serial] = reply
        try:
            self._transport.send(wire.marshal(message), fds)
            self._raise_if_closed()
            async with asyncio.timeout(timeout_s):
                return await reply
        except TimeoutError:
            raise CallTimeout(f"{interface}.{member} was not answered within {timeout_s:g} s") from None
        finally:
            self._calls.pop(serial, None)

    def close(self) -> None:
        """Ends the connection; again is fine. Calls under way raise DisplayClosed."""
        self.end(DisplayClosed("the display's connection was closed on our side"))

    def end(self, reason: DisplayError) -> None:
        """As :meth:`close`, for a reason that this connection itself cannot see."""
        self._transport.end(reason)

    def trim(self) -> None:
        """Lets go of the memory that is only kept for speed."""
        self._transport.trim()

    async def wait_closed(self) -> DisplayError:
        """Waits until the connection has ended, and tells why."""
        await self._closed.wait()
        assert self._reason is not None
        return self._reason

    def _raise_if_closed(self) -> None:
        if self._reason is not None:
            raise self._reason

    def _next_serial(self) -> int:
        self._serial = self._serial % 0xFFFFFFFF + 1
        return self._serial

    # What the transport calls (transport.Receiver)

    def line(self, line: bytes) -> bool:
        if not line.startswith(self._auth.pop(0)):
            raise DisplayProtocolError(f"the display refused authentication: {line[:100]!r}")
        if not self._auth:
            self._ready.set()
        return not self._auth

    def body_limit(self, header: wire.Header) -> int:
        if header.kind is MessageType.METHOD_CALL:
            method = self._exports.find(header.path, header.interface, header.member)
            if isinstance(method, Frame):
                return method.max_bytes
        return MAX_MESSAGE_BYTES

    def message(self, header: wire.Header, head: memoryview, body: memoryview, fds: list[int]) -> None:
        try:
            if header.kind is MessageType.METHOD_CALL:
                self._called(header, head, body, fds)
            elif header.kind is MessageType.SIGNAL:
                if self._on_signal is not None:
                    self._on_signal(_whole(head, body, fds))
            elif (reply := self._calls.get(header.reply_serial)) is not None and not reply.done():
                self._answered(reply, _whole(head, body, fds))
                fds = []
        finally:
            close_fds(fds)

    def ended(self, reason: DisplayError) -> None:
        self._reason = reason
        # Handlers hold pictures, and those QEMU's memory: let them go now, not at the next garbage
        # collection.
        self._exports.clear()
        self._on_signal = None
        for reply in self._calls.values():
            if not reply.done():
                reply.set_exception(reason)
        self._ready.set()
        self._closed.set()

    def _answered(self, reply: asyncio.Future[Message], message: Message) -> None:
        if message.message_type is MessageType.ERROR:
            close_fds(message.unix_fds)
            text = str(message.body[0]) if message.body else "no reason given"
            reply.set_exception(CallFailed(message.error_name or "", text))
        else:
            reply.set_result(message)

    def _called(self, header: wire.Header, head: memoryview, body: memoryview, fds: list[int]) -> None:
        method = self._exports.find(header.path, header.interface, header.member)
        try:
            if method is None:
                raise UnknownMember(f"no method {header.interface}.{header.member} at {header.path}")
            if header.signature != method.signature:
                raise DisplayProtocolError(f"{header.member} with signature {header.signature!r}")
            if isinstance(method, Frame):
                if not header.little_endian:
                    raise DisplayProtocolError(f"{header.member} is big-endian")
                method.handler(body)
                result: Answer = ()
            else:
                result = method.handler(_whole(head, body, fds))
        except (DisplayProtocolError, UnknownMember) as error:
            if isinstance(error, wire.Unreadable):
                raise
            self._reject(header, error)
        else:
            if header.wants_reply:
                signature = method.reply if isinstance(method, Method) else ""
                answer = partial(self._reply, header, MessageType.METHOD_RETURN, signature)
                if isinstance(result, asyncio.Future):
                    result.add_done_callback(lambda done: answer(done.result()))
                else:
                    answer(result)

    def _reject(self, header: wire.Header, error: DisplayError) -> None:
        """The connection goes on; a guest must not fill the log, so only the first is worth a warning."""
        self.rejected += 1
        logger.log(
            logging.DEBUG if self.rejected > 1 else logging.WARNING, "display: rejected: %s", str(error)
        )
        if header.wants_reply:
            name = _UNKNOWN_METHOD if isinstance(error, UnknownMember) else _INVALID_ARGS
            self._reply(header, MessageType.ERROR, "s", (str(error),), name)

    def _reply(
        self,
        header: wire.Header,
        kind: MessageType,
        signature: str,
        body: Sequence[Any],
        error: str | None = None,
    ) -> None:
        message = Message(
            message_type=kind,
            destination=header.sender or None,
            reply_serial=header.serial,
            error_name=error,
            signature=signature,
            body=list(body),
            serial=self._next_serial(),
        )
        self._transport.send(wire.marshal(message))


def _pair_owner(sock: socket.socket) -> int:
    """The uid that QEMU sees at its end of a socket pair: that of whoever made the pair, libvirtd or us."""
    uid, _ = peer_user(sock)
    return uid


def _whole(head: memoryview, body: memoryview, fds: list[int]) -> Message:
    """The unmarshalled message, with ``fds`` itself as its file descriptors."""
    message = wire.unmarshal(b"".join((head, body)))
    message.unix_fds = fds
    return message
