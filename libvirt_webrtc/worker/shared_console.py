"""One console of the domain: its picture, its cursor, and who looks at it."""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator

from libvirt_webrtc.agent.interface import ConsoleView
from libvirt_webrtc.agent.stats import ConsoleStats
from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.display.console import Console
from libvirt_webrtc.display.cursor import straight_rgba
from libvirt_webrtc.display.gl.thread import GraphicsThread
from libvirt_webrtc.display.listener import Listener
from libvirt_webrtc.errors import ConsoleStarting
from libvirt_webrtc.input import display_messages
from libvirt_webrtc.input.messages import Resize
from libvirt_webrtc.logs import LimitedLogger
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.worker import ipc
from libvirt_webrtc.worker.console_input import ConsoleInput
from libvirt_webrtc.worker.memory import LateTrim, trim_heap
from libvirt_webrtc.worker.registration import Registration
from libvirt_webrtc.worker.resizer import Resizer
from libvirt_webrtc.worker.settings import WorkerSettings
from libvirt_webrtc.worker.video_stats import console_stats
from libvirt_webrtc.worker.viewer_console import ViewerConsole

log = logging.getLogger(__name__)

MAX_LABEL = 100
"""Characters of a name that QEMU gives, to a console or a machine: whoever controls QEMU may send megabytes."""

ABANDONED_S = 2.0
"""Seconds from the last viewer's end until memory is given back: a page that is loaded again comes sooner."""

REPLACED_S = 1.0
"""Seconds from a picture of another size until the memory of the one before is given back."""


class SharedConsole:
    """Where one console of QEMU's display meets its viewers. It outlives display connections.

    Attributes:
        index: of the console, as QEMU counts.
        framebuffer: its picture.
        video: encodes that picture for viewers.
        registration: brings the picture.
        input: its keyboard and mouse, and what viewers hold of them.
    """

    def __init__(
        self,
        index: int,
        settings: WorkerSettings,
        graphics: GraphicsThread,
        *,
        on_change: Callable[[], None],
        paused: bool,
    ) -> None:
        """
        Args:
            index: see above.
            settings: the worker's.
            graphics: reads pictures that a graphics card holds.
            on_change: called when :meth:`view` may have changed.
            paused: whether the guest is paused now.
        """
        self.index = index
        self.framebuffer = Framebuffer()
        self.framebuffer.on_shape = self._shape_changed
        self.registration = Registration(lambda: Listener(self.framebuffer, self, graphics))
        self.input = ConsoleInput()
        self._on_change = on_change
        self._paused = paused
        self.video = ConsoleVideo(
            self.framebuffer,
            downsample=settings.downsample,
            formats=settings.formats,
            hardware=settings.hardware,
        )
        self._viewer_consoles: list[ViewerConsole] = []
        self._console: Console | None = None
        self._resizer = Resizer(lambda: self._console)
        self._cursor_shape: tuple[int, int, int, int, bytes] | None = None
        self._cursor = b""
        """The message of that shape, once somebody was told."""
        self._cursor_position = b""
        self._unsupported = ""
        self._problems = LimitedLogger(log)
        self._tasks = TaskSet()
        self._abandoned: asyncio.TimerHandle | None = None
        self._replaced = LateTrim(REPLACED_S)

    @property
    def attached(self) -> bool:
        """Whether QEMU's display has this console now."""
        return self._console is not None

    @property
    def label(self) -> str:
        """QEMU's name of it; empty while there is no display."""
        return ipc.text(self._console.label, MAX_LABEL) if self._console is not None else ""

    @property
    def enabled(self) -> bool | None:
        """Whether the guest shows something there; None: nobody has looked yet."""
        return self.framebuffer.enabled if self.framebuffer.width else None

    def view(self) -> ConsoleView:
        """This console as the list shows it."""
        picture = self.framebuffer
        return ConsoleView(
            index=self.index,
            label=self.label,
            # QEMU's own Width and Height stand still while nobody listens.
            width=picture.width,
            height=picture.height,
            scanout=self.registration.mode,
            viewers=sum(opened.watched for opened in self._viewer_consoles),
        )

    def stats(self) -> ConsoleStats:
        """What its video does right now."""
        return console_stats(
            self.video,
            [opened.track for opened in self._viewer_consoles if opened.watched],
        )

    def attach(self, console: Console) -> None:
        """Use this console of the present display connection."""
        if console is not self._console:
            self._console = console
            console.on_change = self._console_changed
            self.registration.use(console)
            if not self.listening and any(opened.watched for opened in self._viewer_consoles):
                # Up to QEMU 9.1, another program that opens the display also takes over the picture.
                self._tasks.start(self._listen_again(), name=f"console {self.index}: listen again")
            self.input.attach(console.keyboard, console.mouse)
            for opened in self._viewer_consoles:
                opened.input.drop_queue()
            self._console_changed()

    def detach(self) -> None:
        """The console, or the whole display connection, is gone; viewers keep the last picture."""
        if self._console is not None:
            self._console = None
            self.registration.use(None)
            self.input.detach()

    def set_paused(self, paused: bool) -> None:
        """Tell viewers that the guest is paused or runs."""
        self._paused = paused
        self._broadcast(display_messages.state(paused))

    def join(self, opened: ViewerConsole) -> None:
        """Tell ``opened`` of all changes."""
        self._viewer_consoles.append(opened)

    def leave(self, opened: ViewerConsole) -> None:
        """Tell ``opened`` nothing more. Idempotent."""
        if opened not in self._viewer_consoles:
            return
        self._viewer_consoles.remove(opened)
        self._on_change()
        if not self._viewer_consoles:
            if self._abandoned is not None:
                self._abandoned.cancel()
            self._abandoned = asyncio.get_running_loop().call_later(ABANDONED_S, self._give_back)

    def watchers_changed(self) -> None:
        """A viewer's console that has joined is watched now, or is not any more."""
        self._on_change()

    def resize(self, wanted: Resize, on_resized: Callable[[bool], None]) -> None:
        """Ask the guest for this size; ``on_resized`` is told whether its display device takes one."""
        self._resizer.ask(wanted, on_resized)

    async def close(self) -> None:
        """End the encoders and the listener. Idempotent; its viewers have been ended before."""
        await self._tasks.close()
        await self.input.close()
        await self._resizer.close()
        await self.video.close()
        await self.registration.close()
        if self._abandoned is not None:
            self._abandoned.cancel()
        self._replaced.close()

    def greeting(self) -> Iterator[bytes]:
        """The display messages that bring a new viewer up to date."""
        picture, console = self.framebuffer, self._console
        if picture.width:
            yield display_messages.size(picture.width, picture.height)
            yield display_messages.enabled(picture.enabled)
        if console is not None:
            yield display_messages.pointer_mode(console.mouse.is_absolute)
            yield display_messages.leds(console.keyboard.modifiers)
        if self._cursor_shape is not None:
            yield self._cursor_message()
        if self._cursor_position:
            yield self._cursor_position
        if self._unsupported:
            yield display_messages.problem(self._unsupported)
        yield display_messages.state(self._paused)

    def define_cursor(self, width: int, height: int, hot_x: int, hot_y: int, pixels: bytes) -> None:
        """The guest's pointer has a new shape (``Listener.CursorDefine``)."""
        self._cursor_shape, self._cursor = (width, height, hot_x, hot_y, pixels), b""
        self._announce(display_messages.CURSOR, self._cursor_message)

    def move_cursor(self, x: int, y: int, visible: bool) -> None:
        """The guest moved or hid its pointer (``Listener.MouseSet``)."""
        self._cursor_position = display_messages.cursor_position(x, y, visible)
        self._announce(display_messages.CURSOR_POSITION, lambda: self._cursor_position)

    def unsupported(self, what: str) -> None:
        """Why QEMU's picture cannot be shown; empty once it is shown."""
        if what != self._unsupported:
            self._unsupported = what
            if what:
                # A guest can alternate good and bad pictures, and must not fill the log.
                self._problems.warning("console %s: %s", self.index, what)
            self._announce(display_messages.PROBLEM, lambda: display_messages.problem(self._unsupported))

    @property
    def listening(self) -> bool:
        """Whether QEMU sends its picture."""
        return self.registration.lives

    async def listen(self) -> None:
        """Have QEMU send its picture from now on; see :meth:`Registration.listen`."""
        await self.registration.listen()

    async def _listen_again(self) -> None:
        try:
            await self.listen()
        except ConsoleStarting as error:
            # Their pages connect again, and try until there is a picture.
            log.warning("console %s: %s; its viewers are disconnected", self.index, error)
            for opened in [opened for opened in self._viewer_consoles if opened.watched]:
                opened.fail(error)

    def _console_changed(self) -> None:
        if (console := self._console) is not None:
            self._announce(
                display_messages.POINTER_MODE,
                lambda: display_messages.pointer_mode(console.mouse.is_absolute),
            )
            self._announce(display_messages.LEDS, lambda: display_messages.leds(console.keyboard.modifiers))
            self._on_change()

    def _shape_changed(self) -> None:
        picture = self.framebuffer
        self._announce(display_messages.SIZE, lambda: display_messages.size(picture.width, picture.height))
        self._announce(display_messages.ENABLED, lambda: display_messages.enabled(picture.enabled))
        # Pictures and encoders of many sizes leave holes that glibc keeps: 40 MB after 60 changes of the mode.
        self._replaced.freed()
        self._on_change()

    def _cursor_message(self) -> bytes:
        if not self._cursor and self._cursor_shape is not None:
            width, height, hot_x, hot_y, pixels = self._cursor_shape
            self._cursor = display_messages.cursor(width, height, hot_x, hot_y, straight_rgba(pixels))
        return self._cursor

    def _announce(self, kind: int, make: Callable[[], bytes]) -> None:
        """Tell all viewers what the guest has changed; it may change it as often as it likes."""
        for opened in self._viewer_consoles:
            opened.announcer.tell(kind, make)

    def _broadcast(self, message: bytes) -> None:
        for opened in self._viewer_consoles:
            opened.send(message)

    def _give_back(self) -> None:
        self._abandoned = None
        if not self._viewer_consoles:
            # First what aiortc leaves behind in reference cycles, which may hold pictures.
            gc.collect()
            self.registration.trim()
            trim_heap()
