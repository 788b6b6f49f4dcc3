"""Messages between the supervisor and a worker, with passed file descriptors.

A ``SOCK_SEQPACKET`` pair keeps message boundaries, so one packet is one JSON object, and a descriptor
arrives with exactly the message it belongs to. What a worker says is checked by type, because a worker reads
hostile data and might say anything one day.
"""

import array
import asyncio
import json
import os
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar, get_origin

from libvirt_webrtc.agent.interface import ConsoleView
from libvirt_webrtc.agent.stats import RenditionView, ViewerView
from libvirt_webrtc.errors import WorkerError, WorkerGone

MAX_PACKET = 192 * 1024
"""Bytes. An SDP of 64 KiB fits with every line end escaped; Linux's default socket buffer bounds it above."""

MAX_FDS = 4
"""Descriptors taken with one packet; more than any message carries."""


@dataclass(frozen=True, slots=True)
class UseDisplay:
    """To the worker, with one descriptor: QEMU's D-Bus display, unauthenticated."""

    on_bus: bool
    """The descriptor leads to a bus daemon, and the display is the one of the QEMU on that bus."""
    registrations: int = 0
    """How many listeners were registered with this QEMU process before, by workers that ended."""


@dataclass(frozen=True, slots=True)
class Offer:
    """To the worker: open a console for a viewer."""

    request: int
    viewer: str
    console: int
    sdp: str


@dataclass(frozen=True, slots=True)
class CloseViewer:
    """To the worker: end one viewer. Answered by Done."""

    request: int
    viewer: str


@dataclass(frozen=True, slots=True)
class AskStats:
    """To the worker: what a console's video does. Answered by Stats or Refused."""

    request: int
    console: int


@dataclass(frozen=True, slots=True)
class DomainPaused:
    """To the worker: the guest's processors stopped or run again."""

    paused: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """From the worker: the answer to an Offer."""

    request: int
    sdp: str


@dataclass(frozen=True, slots=True)
class Refused:
    """From the worker: why an Offer or AskStats has no answer. ``kind`` names the error class."""

    request: int
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """From the worker: whether the viewer of a CloseViewer was there."""

    request: int
    found: bool


@dataclass(frozen=True, slots=True)
class ViewerEnded:
    """From the worker: a viewer whose offer was answered is gone, for whatever reason."""

    viewer: str


@dataclass(frozen=True, slots=True)
class Stats:
    """From the worker: the answer to AskStats."""

    request: int
    renditions: list[RenditionView]
    viewers: list[ViewerView]


@dataclass(frozen=True, slots=True)
class Beat:
    """From the worker, every ``BEAT_INTERVAL_S``: its event loop turns."""


@dataclass(frozen=True, slots=True)
class DisplayLost:
    """From the worker: QEMU's display ended or could not be used; another descriptor may help."""

    reason: str


@dataclass(frozen=True, slots=True)
class Registered:
    """From the worker, before each registration of a listener with QEMU."""

    registrations: int
    """As in :class:`UseDisplay`, this one included."""


@dataclass(frozen=True, slots=True)
class Status:
    """From the worker, at every change: its consoles, and what QEMU calls its machine."""

    vm_name: str
    consoles: list[ConsoleView]


Message = (
    UseDisplay
    | Offer
    | CloseViewer
    | AskStats
    | DomainPaused
    | Answered
    | Refused
    | Done
    | ViewerEnded
    | Stats
    | Beat
    | DisplayLost
    | Registered
    | Status
)

_TYPES: dict[str, type[Message]] = {
    cls.__name__: cls
    for cls in (
        UseDisplay,
        Offer,
        CloseViewer,
        AskStats,
        DomainPaused,
        Answered,
        Refused,
        Done,
        ViewerEnded,
        Stats,
        Beat,
        DisplayLost,
        Registered,
        Status,
    )
}

BEAT_INTERVAL_S = 0.5

_Value = TypeVar("_Value", bound=Message | ConsoleView | RenditionView | ViewerView)


def encode(message: Message) -> bytes:
    """One packet's bytes."""
    return json.dumps({"type": type(message).__name__, **asdict(message)}).encode()


def decode(packet: bytes) -> Message:
    """The message in one packet; WorkerError when it is none."""
    try:
        values = json.loads(packet)
        message = _checked(_TYPES[values.pop("type")], values)
        if isinstance(message, Status):
            message = Status(message.vm_name, _all(ConsoleView, message.consoles))
        elif isinstance(message, Stats):
            renditions, viewers = _all(RenditionView, message.renditions), _all(ViewerView, message.viewers)
            message = Stats(message.request, renditions, viewers)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WorkerError(f"not a message: {packet[:80]!r}") from error
    return message


def _all(cls: type[_Value], items: list[Any]) -> list[_Value]:
    return [_checked(cls, item) for item in items]


def _checked(cls: type[_Value], values: dict[str, Any]) -> _Value:
    """``values`` as ``cls``; TypeError where they do not fit its fields."""
    made = cls(**values)
    for item in fields(cls):
        # The items of a list are whoever uses them to check.
        kind: Any = list if get_origin(item.type) is list else item.type
        if not isinstance(getattr(made, item.name), kind):
            raise TypeError(f"{cls.__name__}.{item.name} is not {item.type}")
    return made


class Channel:
    """One end of the pair. Owns its socket; received descriptors belong to whoever called :meth:`receive`."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._send_lock = asyncio.Lock()
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False

    @staticmethod
    def pair() -> tuple[socket.socket, socket.socket]:
        """Two connected sockets that a Channel can be made of."""
        return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    async def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Send a message; ``fds`` stay the caller's.

        Raises:
            WorkerGone: the other end is closed.
            WorkerError: the message is too large.
        """
        packet = encode(message)
        if len(packet) > MAX_PACKET:
            raise WorkerError(f"a {type(message).__name__} of {len(packet)} bytes is too large")
        async with self._send_lock:
            while not self._closed:
                try:
                    socket.send_fds(self._sock, [packet], fds)
                    return
                except BlockingIOError:
                    await self._ready(for_writing=True)
                except OSError as error:
                    raise WorkerGone("the other process is gone") from error
        raise WorkerGone("this channel is closed")

    async def receive(self) -> tuple[Message, list[int]]:
        """The next message and the descriptors that came with it, which the caller must close.

        Raises:
            WorkerGone: the other end, or this one, is closed.
            WorkerError: what came is not a message.
        """
        while not self._closed:
            try:
                packet, fds = _receive(self._sock)
            except BlockingIOError:
                await self._ready(for_writing=False)
                continue
            except OSError as error:
                raise WorkerGone("the other process is gone") from error
            if not packet:
                raise WorkerGone("the other process is gone")
            try:
                return decode(packet), fds
            except WorkerError:
                for fd in fds:
                    os.close(fd)
                raise
        raise WorkerGone("this channel is closed")

    def close(self) -> None:
        """Close the socket; whoever waits in send or receive gets WorkerGone."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._sock)
        loop.remove_writer(self._sock)
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._sock.close()

    async def _ready(self, *, for_writing: bool) -> None:
        loop = asyncio.get_running_loop()
        add, remove = (
            (loop.add_writer, loop.remove_writer) if for_writing else (loop.add_reader, loop.remove_reader)
        )
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.add(future)
        # The number: asyncio formats the repr() of a socket that it is not watching yet, and throws it away.
        fd = self._sock.fileno()
        add(fd, _resolve, future)
        try:
            await future
        finally:
            self._waiting.discard(future)
            if not self._closed:
                remove(fd)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    """One packet with its descriptors, which are closed on exec (``MSG_CMSG_CLOEXEC``)."""
    space = socket.CMSG_SPACE(MAX_FDS * array.array("i").itemsize)
    packet, ancillary, _, _ = sock.recvmsg(MAX_PACKET, space, socket.MSG_CMSG_CLOEXEC)
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return packet, list(fds)
