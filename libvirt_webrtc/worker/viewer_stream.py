"""The portal's end of a viewer's stream to a worker on the same machine."""

import socket

from libvirt_webrtc.errors import ViewerProtocolError, WorkerGone
from libvirt_webrtc.input.stream_messages import MAX_SERVER_MESSAGE
from libvirt_webrtc.worker.message_socket import MessageSocket


class SocketStream:
    """Implements :class:`libvirt_webrtc.agent.interface.ViewerStream` over one socket, which it owns."""

    def __init__(self, viewer: str, messages: MessageSocket) -> None:
        self.viewer = viewer
        self._messages = messages

    @classmethod
    async def open(cls, viewer: str, sock: socket.socket) -> "SocketStream":
        """Take over our end of a pair whose other end the worker has."""
        return cls(viewer, await MessageSocket.open(sock, largest=MAX_SERVER_MESSAGE))

    async def receive(self) -> bytes | None:
        """As :meth:`ViewerStream.receive`. Raises WorkerGone where the worker sends what it never does."""
        try:
            return await self._messages.receive()
        except ViewerProtocolError as error:
            raise WorkerGone(f"the console's worker sent {error}") from error

    async def send(self, message: bytes) -> None:
        """As :meth:`ViewerStream.send`."""
        self._messages.write(message)
        await self._messages.drain()

    def close(self) -> None:
        """As :meth:`ViewerStream.close`."""
        self._messages.close()
