"""One console in one viewer's connection: a track, and a pair of data channels."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.errors import ConsoleStarting
from libvirt_webrtc.input import display_messages
from libvirt_webrtc.input.messages import Resize
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.track import ConsoleTrack
from libvirt_webrtc.worker.announcer import Announcer
from libvirt_webrtc.worker.console_input import ConsoleInput
from libvirt_webrtc.worker.input_channel import InputChannel
from libvirt_webrtc.worker.video_stats import own_stats

log = logging.getLogger(__name__)

STATS_INTERVAL_S = 1.0
"""Seconds between the STATS of a viewer that wants them."""

MAX_BUFFERED_BYTES = 4 * 1024 * 1024
"""A viewer whose display channel has this much unsent is gone or hostile. The largest message has 1 MiB."""


class ConsoleForViewers(Protocol):
    """What a viewer needs of a console; :class:`~libvirt_webrtc.worker.shared_console.SharedConsole` has it."""

    @property
    def index(self) -> int: ...

    @property
    def label(self) -> str: ...

    @property
    def enabled(self) -> bool | None:
        """Whether the guest shows something there; None: nobody has looked yet."""
        ...

    @property
    def video(self) -> ConsoleVideo: ...

    @property
    def input(self) -> ConsoleInput: ...

    @property
    def listening(self) -> bool:
        """Whether QEMU sends its picture."""
        ...

    async def listen(self) -> None:
        """Have QEMU send its picture from now on. Raises ConsoleStarting. May be cancelled."""
        ...

    def greeting(self) -> Iterable[bytes]:
        """The display messages that bring a new viewer up to date."""
        ...

    def resize(self, wanted: Resize, on_resized: Callable[[bool], None]) -> None:
        """Ask the guest for this size; ``on_resized`` is told whether its display device takes one."""
        ...

    def join(self, opened: "ViewerConsole") -> None:
        """Tell ``opened`` of all changes."""
        ...

    def leave(self, opened: "ViewerConsole") -> None:
        """Tell ``opened`` nothing more."""
        ...

    def watchers_changed(self) -> None:
        """A viewer's console that has joined is watched now, or is not any more."""
        ...


class DisplayChannel(Protocol):
    """The way of one console's messages to the viewer; ``aiortc``'s ``RTCDataChannel`` is one."""

    @property
    def readyState(self) -> str:
        """``open`` while messages can be sent."""
        ...

    @property
    def bufferedAmount(self) -> int:
        """Bytes that were not sent yet."""
        ...

    def send(self, data: bytes) -> None:
        """Send a message. Raises ValueError where it is longer than the viewer takes."""
        ...


class ViewerConsole:
    """What a viewer sees of a console, and does to it; ended by :meth:`close`.

    What the viewer does is fed to :attr:`input`; what the guest changes is told on the display channel, once that is
    open. Its picture is sent while it is watched.

    Attributes:
        track: what its picture is sent on.
        watched: whether the viewer shows it now.
        input: carries out what the viewer does.
        announcer: tells the viewer what the guest changes.
    """

    def __init__(
        self,
        name: str,
        shared: ConsoleForViewers,
        track: ConsoleTrack,
        role: Role,
        *,
        on_fault: Callable[[object], None],
    ) -> None:
        """
        Args:
            name: for the log.
            shared: the console.
            track: see above.
            role: what the viewer may do.
            on_fault: called with the reason why the whole viewer must be disconnected.
        """
        self.track = track
        self.watched = False
        self._name = name
        self._role = role
        self._shared_console = shared
        self._on_fault = on_fault
        self._display: DisplayChannel | None = None
        self._next_stats: asyncio.TimerHandle | None = None
        self._listening = False
        self._tasks = TaskSet()
        self._closed = False
        self.input = InputChannel(
            shared.input,
            role,
            on_fault=on_fault,
            on_pong=lambda value: self.send(display_messages.pong(value)),
            on_want_stats=self._want_stats,
            on_watch=self.watch,
            on_resize=lambda wanted: shared.resize(wanted, self._resized),
        )
        self.announcer = Announcer(self.send, lambda: self._display.bufferedAmount if self._display else 0)
        self._told_reduced = 1
        track.on("reduced", self._tell_reduced)
        shared.join(self)

    def watch(self, wanted: bool) -> None:
        """Send the picture from now on, a keyframe first; or none, and have nothing encoded for this viewer."""
        if wanted == self.watched or self._closed:
            return
        self.watched = wanted
        self._shared_console.watchers_changed()
        if not wanted or self._shared_console.listening:
            self._show()
        elif not self._listening:
            self._listening = True
            self._tasks.start(self._listen(), name=f"listen for {self._name}", on_failure=self._on_fault)

    @property
    def index(self) -> int:
        """The console's."""
        return self._shared_console.index

    def open_display(self, channel: DisplayChannel) -> bool:
        """Greet the viewer on this channel; False when there is one already."""
        if self._display is not None:
            return False
        self._display = channel
        for message in (display_messages.role(self._role), *self._shared_console.greeting()):
            self.send(message)
        self._told_reduced = 1
        self._tell_reduced()
        return True

    def send(self, message: bytes) -> None:
        """Send a display message, if the viewer has opened that channel."""
        channel = self._display
        if channel is None or channel.readyState != "open":
            return
        if channel.bufferedAmount > MAX_BUFFERED_BYTES:
            self._on_fault("the display channel is not read")
            return
        try:
            channel.send(message)
        except ValueError as error:
            # More than the viewer's max-message-size, as a large cursor may be: it goes without.
            log.debug("viewer %s: %s", self._name, error)

    def fail(self, reason: object) -> None:
        """The console has no picture for this viewer, and will not have one."""
        self._on_fault(reason)

    async def close(self) -> None:
        """Let go of what is held, and leave the console. Idempotent; the track stays its connection's."""
        self._closed = True
        self.announcer.close()
        self._want_stats(False)
        await self.input.close()
        if self.input.refused:
            log.info("viewer %s: %d messages were beyond its role", self._name, self.input.refused)
        # What it waits for goes on, for the next viewer.
        await self._tasks.close()
        self._shared_console.leave(self)

    def _show(self) -> None:
        self.track.watch(self._shared_console.video.subscribe if self.watched and not self._closed else None)

    async def _listen(self) -> None:
        try:
            await self._shared_console.listen()
        except ConsoleStarting as error:
            self._on_fault(error)
        else:
            self._show()
        finally:
            self._listening = False

    def _resized(self, taken: bool) -> None:
        self.send(display_messages.resized(taken))

    def _tell_reduced(self) -> None:
        factor = self.track.reduced
        if factor != self._told_reduced and not self._closed:
            self._told_reduced = factor
            self.send(display_messages.reduced(factor))

    def _want_stats(self, wanted: bool) -> None:
        if self._next_stats is None:
            if wanted and not self._closed:
                self._send_stats()
        elif not wanted:
            self._next_stats.cancel()
            self._next_stats = None

    def _send_stats(self) -> None:
        loop = asyncio.get_running_loop()
        self._next_stats = loop.call_later(STATS_INTERVAL_S, self._send_stats)
        self.send(display_messages.stats(self._stats()))

    def _stats(self) -> dict[str, Any]:
        return own_stats(self._shared_console.video, self.track)
