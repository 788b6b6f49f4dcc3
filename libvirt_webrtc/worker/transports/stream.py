"""A viewer's stream: frames and messages over one socket, which the portal joins to the viewer's WebSocket."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from aiortc.mediastreams import MediaStreamError

from libvirt_webrtc.agent import limits
from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.errors import ViewerProtocolError, WorkerGone
from libvirt_webrtc.input.stream_messages import Hello, Received, WantKeyframe, parse, welcome
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.worker.message_rate import MessageRate
from libvirt_webrtc.worker.message_socket import MessageSocket
from libvirt_webrtc.worker.transports.frame_sender import FrameSender
from libvirt_webrtc.worker.transports.offer import MAX_CONSOLES
from libvirt_webrtc.worker.viewer import Viewer
from libvirt_webrtc.worker.viewer_console import ConsoleForViewers, ViewerConsole

log = logging.getLogger(__name__)

FAREWELL_S = 0.5
"""For how many seconds what is not sent yet may be sent at the end."""

MAX_MESSAGES_PER_S = 8000
"""Messages of one viewer in a second: 2,000 to each of four consoles."""


class StreamConnection:
    """One viewer's stream, from WELCOME to its end. Begins by itself.

    Every message begins with the index of the console that it is about, in one byte. After WELCOME, which tells the
    formats that there are, the viewer says HELLO with those that it decodes; then all is as on a peer connection's data
    channels, and pictures come as FRAMEs.

    ``on_closed`` is called once, with this connection, after everything it held is released.

    Attributes:
        viewer: whose connection it is.
    """

    def __init__(
        self,
        name: str,
        shared_consoles: Sequence[ConsoleForViewers],
        grant: Grant,
        sock: MessageSocket,
        *,
        on_closed: Callable[["StreamConnection"], None],
    ) -> None:
        """
        Args:
            name: the viewer's.
            shared_consoles: the console that was asked for, then the others that there are.
            grant: what the viewer may do.
            sock: our end; closed with this connection.
            on_closed: see above.
        """
        self.viewer = Viewer(name, shared_consoles, grant, on_fault=self._fault)
        self._on_closed = on_closed
        self._socket = sock
        self._sender = FrameSender(sock)
        self._rate = MessageRate(MAX_MESSAGES_PER_S)
        self._tasks = TaskSet(expected=(MediaStreamError, WorkerGone))
        self._ending = TaskSet()
        self._closing: asyncio.Task[None] | None = None
        self._tasks.start(self._read(), name=f"read {name}", on_failure=self._fault)

    async def close(self, why: str = "") -> None:
        """Let go of held keys, end the stream, and report it. Idempotent. May be cancelled, and ends all the same.

        Takes up to FAREWELL_S, in which the viewer is told ``why``, in a sentence.
        """
        await asyncio.shield(self._end(why))

    async def _read(self) -> None:
        try:
            await self._begin()
            while (message := await self._socket.receive()) is not None:
                self._take(message)
        except ViewerProtocolError as error:
            self._fault(error)
        except TimeoutError:
            self._fault(f"no HELLO came within {limits.HELLO_S:.0f} seconds")
        else:
            self._end()  # The viewer left.

    async def _begin(self) -> None:
        formats = self.viewer.first.video.formats
        index = self.viewer.first.index
        asked_at = time.monotonic()
        self._socket.write(bytes((index,)) + welcome(formats))
        async with asyncio.timeout(limits.HELLO_S):
            message = await self._socket.receive()
        if message is None:
            return
        hello = parse(message[1:])
        if not isinstance(hello, Hello):
            raise ViewerProtocolError("the first message is no HELLO")
        taken = [format_ for format_ in formats if format_ in hello.formats]
        if not taken:
            names = ", ".join(dict.fromkeys(format_.codec for format_ in formats))
            raise ViewerProtocolError(f"the browser decodes none of what this console is sent as: {names}")
        for section in range(MAX_CONSOLES):
            track = ConsoleTrack(taken, None)
            track.on("ended", partial(self._track_ended, track))
            self.viewer.tracks.append(track)
            self._tasks.start(
                self._sender.run(track, partial(self._console_of, section)),
                name=f"send {self.viewer.name}/{section}",
                on_failure=self._fault,
            )
        took_s = time.monotonic() - asked_at
        self.viewer.open_first()
        self._open(None)
        self.viewer.tell_consoles(again=True)
        self._tasks.start(
            self._sender.begin(self.viewer.tracks, took_s),
            name=f"begin {self.viewer.name}",
            on_failure=self._fault,
        )

    def _console_of(self, section: int) -> int:
        """Only a console that is open has frames to send."""
        return self.viewer.index_of(section)

    def _take(self, message: bytes) -> None:
        if self._closing is not None:
            return
        if self._rate.exceeded(time.monotonic()):
            raise ViewerProtocolError(f"more than {MAX_MESSAGES_PER_S} messages in a second")
        if not message:
            raise ViewerProtocolError("an empty message")
        self._sender.heard()
        parsed = parse(message[1:])
        if isinstance(parsed, Received):
            self._sender.received(parsed.count)
            return
        index = message[0]
        opened = self._open(None if index == self.viewer.first.index else index)
        if isinstance(parsed, WantKeyframe):
            opened.track.undecoded()
        elif parsed is None:
            opened.input.feed(message[1:])
        else:
            raise ViewerProtocolError("a second HELLO")

    def _open(self, index: int | None) -> ViewerConsole:
        """The viewer's console, whose messages go over the stream from now on. Raises ViewerProtocolError."""
        opened = self.viewer.console(index)
        if opened is None:
            raise ViewerProtocolError(f"a message to console {index}, which there is not")
        if opened.open_display(_Display(opened.index, self._sender)):
            # Browsers hold back the timers of a page that is hidden for long, and with them its PINGs; the portal's
            # own ping tells that it is there.
            opened.input.may_be_silent = lambda: not opened.watched
        return opened

    def _track_ended(self, track: ConsoleTrack) -> None:
        if track.error is not None:
            self._fault(track.error)

    def _fault(self, reason: object) -> None:
        if self._closing is None:
            log.info("viewer %s is disconnected: %s", self.viewer.name, reason)
            self._end(f"The server ended this connection: {reason}.")

    def _end(self, why: str = "") -> asyncio.Task[None]:
        if self._closing is None:
            self._closing = self._ending.start(self._close(why), name=f"close {self.viewer.name}")
        return self._closing

    async def _close(self, why: str) -> None:
        try:
            await self.viewer.close()
            if why:
                self.viewer.tell_end(why)
            await self._tasks.close()
            for track in self.viewer.tracks:
                track.stop()
            await self._socket.wait_closed(FAREWELL_S)
        finally:
            self._on_closed(self)


class _Display:
    """A console's messages to the viewer, over its stream: a display channel of :class:`ViewerConsole`."""

    def __init__(self, console: int, sender: FrameSender) -> None:
        self._console = bytes((console,))
        self._sender = sender

    readyState = "open"

    @property
    def bufferedAmount(self) -> int:
        return self._sender.messages_waiting

    def send(self, message: bytes) -> None:
        self._sender.send(self._console + message)
