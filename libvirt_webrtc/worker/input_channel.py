"""One viewer's input channel: its messages go, in order, to QEMU's keyboard and mouse.

A message is parsed at once and queued. One task sends the queue to QEMU, one call after the other, and waits for each
reply: QEMU's PS/2 keyboard loses keys that come faster than the guest takes them. (Of 40 pairs sent without waiting,
17 presses arrived; with waiting, all 40.) A slow guest therefore makes the queue grow. Pointer motion is merged in it,
and its length is bounded.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.concurrency.tasks import UnexpectedEnd
from libvirt_webrtc.errors import LibvirtWebRTCError, ViewerProtocolError, WorkerError
from libvirt_webrtc.input.messages import (
    InputMessage,
    MoveBy,
    MoveTo,
    Ping,
    ReleaseAll,
    Resize,
    WantStats,
    Watch,
    parse,
)
from libvirt_webrtc.portal.routes.rights import MESSAGES
from libvirt_webrtc.worker.console_input import ConsoleInput
from libvirt_webrtc.worker.input_sink import InputSink
from libvirt_webrtc.worker.message_rate import MessageRate

SILENT_AFTER_S = 4.0
"""Seconds without a message after which a viewer counts as gone, and its keys are lifted. Pages ping every second."""

LATE_S = 1.0
"""Seconds. A timer that fires this much too late tells that this process stood still, and nothing about the viewer."""

MAX_MESSAGES_PER_S = 2000
"""Messages of one viewer to one console in a second (docs/protocol.md). A gaming mouse sends 1,000."""

MAX_QUEUED = 2 * MAX_MESSAGES_PER_S
"""Messages that wait for QEMU: two seconds of the fastest viewer that is allowed."""

MAX_MOTION = 0x7FFF
"""Relative motion, in either direction, that one call carries: as much as one MOVE_BY."""


class InputChannel:
    """One viewer's input to one console; made inside the running loop, ended by :meth:`close`.

    Attributes:
        sink: where messages go; its counters tell what became of them.
        dropped: messages that were thrown away because QEMU did not take them for too long.
        refused: messages that were thrown away because the viewer's role is too low for them.
        may_be_silent: asked when the viewer is silent and holds nothing; with True it is not disconnected for that.
    """

    def __init__(
        self,
        console_input: ConsoleInput,
        role: Role,
        *,
        on_fault: Callable[[LibvirtWebRTCError], None] | None = None,
        on_pong: Callable[[int], None] | None = None,
        on_want_stats: Callable[[bool], None] | None = None,
        on_watch: Callable[[bool], None] | None = None,
        on_resize: Callable[[Resize], None] | None = None,
    ) -> None:
        """
        Args:
            console_input: the console's keyboard and mouse.
            role: the viewer's; decides which messages are taken.
            on_fault: called at most once, with the reason why this viewer must be disconnected: it broke the protocol,
                fell silent, or its input cannot be sent. Nothing more is taken from it, and what it held is lifted.
            on_pong: called with the value of each PING.
            on_want_stats, on_watch, on_resize: called with each message of that type.
        """
        self.on_fault = on_fault
        self.on_pong = on_pong
        self.on_want_stats = on_want_stats
        self.on_watch = on_watch
        self.on_resize = on_resize
        self.sink = InputSink(console_input)
        self.dropped = 0
        self.may_be_silent: Callable[[], bool] = lambda: False
        self.refused = 0
        self._role = role
        self._queue: deque[InputMessage] = deque()
        self._wake = asyncio.Event()
        self._ended = False
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._last_message = 0.0
        self._rate = MessageRate(MAX_MESSAGES_PER_S)
        self._watchdog: asyncio.TimerHandle | None = None
        self._sender = self._loop.create_task(self._send_queue(), name="input")
        self._sender.add_done_callback(self._sender_ended)

    def feed(self, data: bytes) -> None:
        """Take one message from the viewer; never raises."""
        if self._ended:
            return
        now = self._loop.time()
        self._last_message = now
        if self._watchdog is None:
            self._watch(now + SILENT_AFTER_S)
        if self._rate.exceeded(now):
            self._fault(ViewerProtocolError(f"more than {MAX_MESSAGES_PER_S} input messages in a second"))
            return
        try:
            message = parse(data)
        except ViewerProtocolError as error:
            self._fault(error)
            return
        if self._role < MESSAGES[type(message)]:
            self.refused += 1
        elif isinstance(message, Ping):
            # Answered before what is queued: it tells that this process lives, not how fast the guest takes keys.
            if self.on_pong is not None:
                self.on_pong(message.value)
        elif isinstance(message, WantStats):
            if self.on_want_stats is not None:
                self.on_want_stats(message.wanted)
        elif isinstance(message, Watch):
            if self.on_watch is not None:
                self.on_watch(message.wanted)
        elif not isinstance(message, Resize):
            self._enqueue(message)
        elif self.on_resize is not None:
            self.on_resize(message)

    def release_all(self) -> None:
        """Lift every key and button that the viewer holds, after what is queued before."""
        if not self._closing:
            self._enqueue(ReleaseAll())

    def drop_queue(self) -> None:
        """Send nothing of what waits: a click that was meant for an older picture may hit something else now."""
        self._queue.clear()

    async def close(self) -> None:
        """Take nothing more, and hold nothing any more. Idempotent. Does not wait for QEMU."""
        self._end()
        self._closing = True
        self._queue.clear()
        self._sender.cancel()
        await asyncio.wait({self._sender})

    def _enqueue(self, message: InputMessage) -> None:
        """Append, or merge motion into motion that directly precedes it, so that no order changes."""
        last = self._queue[-1] if self._queue else None
        if isinstance(message, MoveTo) and isinstance(last, MoveTo):
            self._queue[-1] = message
        elif isinstance(message, MoveBy) and isinstance(last, MoveBy) and (both := _sum(last, message)):
            self._queue[-1] = both
        elif len(self._queue) >= MAX_QUEUED:
            # QEMU has not kept up for so long that what waits is of no use. All of it is dropped: dropping single
            # messages could drop a release. After the ReleaseAll nothing is down.
            self.dropped += len(self._queue) + 1
            self._queue.clear()
            self._queue.append(ReleaseAll())
        else:
            self._queue.append(message)
        self._wake.set()

    async def _send_queue(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self.sink.send(self._queue.popleft())

    def _sender_ended(self, sender: asyncio.Task[None]) -> None:
        self.sink.let_go()
        error = UnexpectedEnd("it was cancelled") if sender.cancelled() else sender.exception()
        if error is not None and not (sender.cancelled() and self._closing):
            # A defect of ours, not the viewer's; a new connection gives it input again.
            self._loop.call_exception_handler({"message": "input ended", "exception": error, "task": sender})
            self._fault(WorkerError(f"input cannot be sent: {error!r}"))

    def _watch(self, due: float) -> None:
        self._watchdog = self._loop.call_at(due, self._check_silence, due)

    def _check_silence(self, due: float) -> None:
        now = self._loop.time()
        if now - due > LATE_S:
            # The viewer's messages of that time may still be in the socket.
            self._last_message = now
        if now - self._last_message < SILENT_AFTER_S:
            self._watch(self._last_message + SILENT_AFTER_S)
        elif not self._queue and not self.sink.holds and self.may_be_silent():
            self._watch(now + SILENT_AFTER_S)
        else:
            self._fault(ViewerProtocolError(f"no message, not even a PING, for {SILENT_AFTER_S:.0f} seconds"))

    def _fault(self, error: LibvirtWebRTCError) -> None:
        if self._ended:
            return
        self._end()
        self._queue.clear()
        self.release_all()
        if self.on_fault is not None:
            self.on_fault(error)

    def _end(self) -> None:
        """Take nothing more from the viewer."""
        self._ended = True
        if self._watchdog is not None:
            self._watchdog.cancel()


def _sum(first: MoveBy, second: MoveBy) -> MoveBy | None:
    """Both motions as one; None where that is too much for one call."""
    dx, dy = first.dx + second.dx, first.dy + second.dy
    return MoveBy(dx, dy) if max(abs(dx), abs(dy)) <= MAX_MOTION else None
