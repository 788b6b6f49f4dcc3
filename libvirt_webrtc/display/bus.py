"""A D-Bus connection over one connected Unix socket, with as much of the protocol as QEMU needs.

QEMU serves its display to one peer without a message bus: there is no Hello and there are no names, and QEMU is the
server in the authentication even where it is the one that calls (listeners). Or both are clients of a bus daemon:
``daemon.py`` has what that takes besides. dbus-fast's own MessageBus cannot be used: it opens its socket itself and
always says Hello.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

from dbus_fast import Message, MessageFlag, MessageType

from libvirt_webrtc.display import wire
from libvirt_webrtc.display.address import peer_user
from libvirt_webrtc.display.authentication import AUTHENTICATE_BY_KERNEL, authenticate_as
from libvirt_webrtc.display.calls import CallTimeout, PendingCalls
from libvirt_webrtc.display.dispatcher import MAX_BODY_BYTES, Dispatcher
from libvirt_webrtc.display.exports import Exports
from libvirt_webrtc.display.header import Header
from libvirt_webrtc.display.incoming import Incoming, close_fds
from libvirt_webrtc.display.transport import Transport
from libvirt_webrtc.errors import DisplayClosed, DisplayError, DisplayProtocolError

AUTH_TIMEOUT_S = 10.0
"""For the authentication, in seconds. QEMU's main loop answers within milliseconds unless it is stopped."""
CALL_TIMEOUT_S = 5.0
"""For the reply to a call, in seconds, likewise."""


class Bus:
    """One connection. Owns its socket, and every file descriptor that nobody took from a message.

    Made inside a running loop; reading and authenticating begin at once, in the loop's callbacks. A call that a handler
    rejects is counted, and the connection goes on. A message that is invalid ends it: nothing after it can be trusted.

    Attributes:
        destination: the bus name that calls go to; None where QEMU itself is at the other end.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        exports: Exports | None = None,
        on_signal: Callable[[Incoming], None] | None = None,
        to_daemon: bool = False,
    ) -> None:
        """``to_daemon``: a bus daemon is at the other end of ``sock``, rather than QEMU."""
        self._dispatcher = Dispatcher(exports or {}, self._reply)
        self._on_signal = on_signal
        self.destination: str | None = None
        self._reason: DisplayError | None = None
        self._closed = asyncio.Event()
        self._ready = asyncio.Event()
        self._serial = 0
        self._calls = PendingCalls()
        authentication = AUTHENTICATE_BY_KERNEL if to_daemon else authenticate_as(_pair_owner(sock))
        self._auth = list(authentication.answers)
        self._transport = Transport(sock, self)
        self._transport.send(authentication.request)

    @classmethod
    async def connect(
        cls,
        sock: socket.socket,
        *,
        exports: Exports | None = None,
        on_signal: Callable[[Incoming], None] | None = None,
        to_daemon: bool = False,
    ) -> "Bus":
        """An authenticated connection; takes ``sock`` over, also where it fails. May be cancelled.

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
    def rejected(self) -> int:
        """Calls that a handler rejected, or that nobody handles."""
        return self._dispatcher.rejected

    @property
    def stray_fds(self) -> int:
        """File descriptors that came without belonging to a message; they were closed."""
        return self._transport.stray_fds

    async def authenticated(self, timeout_s: float = AUTH_TIMEOUT_S) -> None:
        """Wait until the other side has accepted us. Raises as :meth:`connect`; may be cancelled."""
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
        timeout_s: float | None = CALL_TIMEOUT_S,
    ) -> Incoming:
        """Call a method and return its reply. May be cancelled: the reply is then dropped when it comes.

        ``fds`` stay the caller's. File descriptors in a reply are closed: no method of QEMU's display returns any.
        ``destination`` is for this call alone. With ``timeout_s=None`` it waits until the connection ends.

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
        reply = self._calls.begin(serial)
        try:
            self._transport.send(wire.marshal(message), fds)
            self._raise_if_closed()
            async with asyncio.timeout(timeout_s):
                return await reply
        except TimeoutError:
            raise CallTimeout(f"{interface}.{member} was not answered within {timeout_s:g} s") from None
        finally:
            self._calls.end(serial)

    def post(self, path: str, interface: str, member: str, signature: str, body: Sequence[Any]) -> None:
        """Call a method and want no reply. Nothing happens where the connection has ended."""
        message = Message(
            destination=self.destination,
            path=path,
            interface=interface,
            member=member,
            flags=MessageFlag.NO_REPLY_EXPECTED,
            signature=signature,
            body=list(body),
            serial=self._next_serial(),
        )
        self._transport.send(wire.marshal(message))

    def close(self) -> None:
        """End the connection; calls under way raise DisplayClosed. Idempotent."""
        self.end(DisplayClosed("the display's connection was closed on our side"))

    def end(self, reason: DisplayError) -> None:
        """As :meth:`close`, for a reason that this connection itself cannot see."""
        self._transport.end(reason)

    def trim(self) -> None:
        """Free the memory that is only kept for speed."""
        self._transport.trim()

    async def wait_closed(self) -> DisplayError:
        """Wait until the connection has ended, and return why. May be cancelled."""
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

    def body_limit(self, header: Header) -> int:
        if header.kind is MessageType.METHOD_CALL:
            return self._dispatcher.body_limit(header)
        return MAX_BODY_BYTES

    def oversized(self, header: Header) -> None:
        if header.kind is not MessageType.METHOD_CALL:
            raise DisplayProtocolError(
                f"{header.name} with {header.body_size} bytes; at most {MAX_BODY_BYTES} are taken"
            )
        self._dispatcher.oversized(header)

    def message(self, header: Header, body: memoryview, fds: list[int]) -> None:
        try:
            if header.kind is MessageType.METHOD_CALL:
                self._dispatcher.call(header, body, fds)
            elif header.kind is MessageType.SIGNAL:
                if self._on_signal is not None:
                    self._on_signal(Incoming.read(header, body, fds))
            else:
                self._calls.answer(header, body)
        finally:
            close_fds(fds)

    def ended(self, reason: DisplayError) -> None:
        self._reason = reason
        # Handlers hold pictures, and those QEMU's memory: release them now, not at the next garbage collection.
        self._dispatcher.clear()
        self._on_signal = None
        self._calls.fail(reason)
        self._ready.set()
        self._closed.set()

    def _reply(self, header: Header, signature: str, body: Sequence[Any], error: str | None) -> None:
        message = Message(
            message_type=MessageType.METHOD_RETURN if error is None else MessageType.ERROR,
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
