"""A viewer of the streams' tests: the other end of a worker's socket, with a real decoder."""

import asyncio
import json
from typing import Self

import av

from libvirt_webrtc.input.stream_messages import FRAME, MAX_SERVER_MESSAGE, WELCOME
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.worker.message_socket import MessageSocket

DECODERS = {0: "h264", 1: "h264", 2: "vp8", 3: "vp9", 4: "vp9"}


class StreamClient:
    """Says HELLO, acknowledges and decodes what comes; ``async with`` ends it.

    Attributes:
        acknowledges: whether it tells what it has received.
        received: the messages that were no frames, with their consoles' indices.
        kinds: (console, format's number, keyframe) of each whole picture.
        sizes: width and height of the last picture of each console that was decoded.
        bytes: of all FRAMEs.
        taken: bytes of all messages after WELCOME.
        ended: set when the other end has closed.
    """

    def __init__(self, formats: tuple[str, ...] = tuple(VideoFormat)) -> None:
        self.formats = formats
        self.acknowledges = True
        self.decodes = True
        self.received: list[tuple[int, bytes]] = []
        self.kinds: list[tuple[int, int, bool]] = []
        self.sizes: dict[int, tuple[int, int]] = {}
        self.bytes = self.taken = 0
        self.ended = asyncio.Event()
        self.messages: MessageSocket | None = None
        self._parts: dict[int, list[bytes]] = {}
        self._decoders: dict[int, av.VideoCodecContext] = {}
        self._reader: asyncio.Task[None] | None = None

    async def begin(self) -> "object":
        """The socket for the worker's end; this client reads from now on."""
        ours, theirs = MessageSocket.pair()
        self.messages = await MessageSocket.open(ours, largest=MAX_SERVER_MESSAGE)
        self._reader = asyncio.create_task(self._read(self.messages))
        return theirs

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.messages is not None:
            self.messages.close()
        if self._reader is not None:
            await self._reader

    def send(self, message: bytes, console: int = 0) -> None:
        assert self.messages is not None
        self.messages.write(bytes((console,)) + message)

    def acknowledge(self) -> None:
        """Tell what came so far."""
        self.send(b"\x41" + (self.taken % 2**32).to_bytes(4, "big"))

    @property
    def types(self) -> list[int]:
        return [message[0] for _, message in self.received]

    @property
    def farewell(self) -> str:
        """The text of ENDED."""
        (text,) = [message[1:].decode() for _, message in self.received if message[0] == 0x8D]
        return text

    async def _read(self, messages: MessageSocket) -> None:
        while (message := await messages.receive()) is not None:
            if message[1] != WELCOME:
                self.taken += len(message)
                if self.acknowledges:
                    self.acknowledge()
            if message[1] == FRAME:
                self._frame(message)
            else:
                self.received.append((message[0], message[1:]))
                if message[1] == WELCOME and self.formats:
                    self.send(b"\x40" + json.dumps({"formats": self.formats}).encode(), message[0])
        self.ended.set()

    def _frame(self, message: bytes) -> None:
        self.bytes += len(message)
        console, flags = message[0], message[2]
        if flags & 2:
            self._parts[console] = [message[3:12], message[12:]]
        else:
            self._parts[console].append(message[3:])
        if not flags & 4:
            return
        head, *parts = self._parts.pop(console)
        self.kinds.append((console, head[0], bool(flags & 1)))
        if not self.decodes:
            return
        if flags & 1:
            made = av.CodecContext.create(DECODERS[head[0]], "r")
            assert isinstance(made, av.VideoCodecContext)
            self._decoders[console] = made
        for picture in self._decoders[console].decode(av.Packet(b"".join(parts))):
            self.sizes[console] = picture.width, picture.height
