"""The server's end of a D-Bus connection, for what a real QEMU cannot be made to send."""

import array
import asyncio
import os
import socket
from io import BufferedRWPair, BytesIO
from typing import Any, Self, cast

from dbus_fast import Message, MessageFlag, MessageType
from dbus_fast._private.unmarshaller import Unmarshaller

from libvirt_webrtc.display import wire
from libvirt_webrtc.display.header import parse_header

AUTH = b"OK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n"
LISTENER_PATH = "/org/qemu/Display1/Listener"


class FakeQemu:
    """Answers nothing by itself. ``theirs`` is the end that the code under test takes over."""

    def __init__(self) -> None:
        self.sock, self.theirs = socket.socketpair()
        self.sock.setblocking(False)
        self._data = b""
        self._serial = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()
        self.theirs.close()

    async def authenticate(self) -> bytes:
        """Takes the client's whole request, which it sends unasked, then answers it."""
        while not self._data.endswith(b"BEGIN\r\n"):
            await self._receive()
        said, self._data = self._data, b""
        await self.send(AUTH)
        return said

    async def send(self, data: bytes, fds: tuple[int, ...] = ()) -> None:
        if fds:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            sent = self.sock.sendmsg([data], rights)
            data = data[sent:]
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    def message(
        self,
        member: str,
        signature: str = "",
        *body: Any,
        interface: str = "org.qemu.Display1.Listener",
        path: str = LISTENER_PATH,
        fds: int = 0,
        reply: bool = False,
        kind: MessageType = MessageType.METHOD_CALL,
    ) -> bytes:
        return wire.marshal(
            Message(
                path=path,
                interface=interface,
                member=member,
                message_type=kind,
                signature=signature,
                body=list(body),
                unix_fds=list(range(fds)),
                serial=self._next_serial(),
                flags=MessageFlag.NONE if reply else MessageFlag.NO_REPLY_EXPECTED,
            )
        )

    async def receive(self) -> Message:
        """The next message from the client."""
        while True:
            header = parse_header(memoryview(self._data))
            if header is not None and len(self._data) >= header.size + header.body_size:
                size = header.size + header.body_size
                data, self._data = self._data[:size], self._data[size:]
                message = Unmarshaller(cast(BufferedRWPair, BytesIO(data))).unmarshall()
                assert message is not None
                return message
            await self._receive()

    def nothing_more(self) -> bool:
        """Whether the client has sent nothing beyond what was received."""
        try:
            self._data += self.sock.recv(1)
        except BlockingIOError:
            return not self._data
        return False

    async def ask(self, member: str, signature: str = "", *body: Any, **options: Any) -> Message:
        """Calls the client and returns what it answers."""
        await self.send(self.message(member, signature, *body, reply=True, **options))
        return await self.receive()

    def reply_to(self, call: Message, signature: str = "", *body: Any) -> bytes:
        answer = Message.new_method_return(call, signature, list(body))
        answer.serial = self._next_serial()
        return wire.marshal(answer)

    def reply_to_nothing(self) -> bytes:
        """A reply to a call that was never made."""
        return wire.marshal(
            Message(message_type=MessageType.METHOD_RETURN, reply_serial=12345, serial=self._next_serial())
        )

    async def settle(self) -> None:
        """Returns when everything sent before has been handled."""
        await self.ask("Ping", interface="org.freedesktop.DBus.Peer")

    def _next_serial(self) -> int:
        self._serial += 1
        return self._serial

    async def _receive(self) -> None:
        data = await asyncio.get_running_loop().sock_recv(self.sock, 65536)
        assert data, "the client closed the connection"
        self._data += data


def open_fds() -> int:
    """How many file descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))
