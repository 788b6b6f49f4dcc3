"""The messages between the supervisor and a worker, as bytes and back.

A message is a MessagePack map: its class name as ``type``, and its fields. MessagePack sends text as UTF-8 without
escapes, so an SDP takes as many bytes here as it has itself. What a worker says is checked by type, because a worker
reads hostile data and might say anything one day.
"""

import msgspec

from libvirt_webrtc.agent.grant import Grant
from libvirt_webrtc.agent.interface import ConsoleView
from libvirt_webrtc.agent.stats import RenditionView, ViewerView
from libvirt_webrtc.config.ice import IceServer
from libvirt_webrtc.errors import MessageRefused, WorkerError

MAX_PACKET = 192 * 1024
"""Bytes of one message. Linux's default socket buffer (212,992 bytes with its bookkeeping) is the bound above it."""

MAX_SDP = 128 * 1024
"""Bytes of an offer or answer, as UTF-8. The portal takes offers of 64 KiB; an answer is about as long as its offer."""

MAX_TEXT = 1000
"""Characters of any other text, such as a reason: what goes to a list or a log for people to read."""

BEAT_INTERVAL_S = 0.5
"""Seconds between two Beats of a worker."""


EXIT_NOT_LOCKED_IN = 78
"""Exit status of a worker that could not be locked in; ``EX_CONFIG`` of ``sysexits.h``."""


class _Message(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A message; ``type`` holds its class name."""


class UseDisplay(_Message, frozen=True):
    """To the worker, with one descriptor: QEMU's D-Bus display, unauthenticated."""

    on_bus: bool
    """The descriptor leads to a bus daemon, and the display is the one of the QEMU on that bus."""
    registrations: int = 0
    """How many listeners were registered with this QEMU process before, by whichever worker."""


class Offer(_Message, frozen=True):
    """To the worker: open a console for a viewer. Answered by Answered or Refused."""

    request: int
    viewer: str
    console: int
    sdp: str
    grant: Grant
    ice_servers: tuple[IceServer, ...] = ()
    """What the worker's side of the connection uses, with credentials that are this viewer's alone where a secret makes
    them: no worker has the secret."""


class OpenStream(_Message, frozen=True):
    """To the worker, with one descriptor: open a console for a viewer whose messages come on that stream socket.
    Answered by Done or Refused."""

    request: int
    viewer: str
    console: int
    grant: Grant


class CloseViewer(_Message, frozen=True):
    """To the worker: end one viewer, also while its offer is being answered. Answered by Done."""

    request: int
    viewer: str


class AskStats(_Message, frozen=True):
    """To the worker: what a console's video does. Answered by Stats or Refused."""

    request: int
    console: int


class DomainPaused(_Message, frozen=True):
    """To the worker: the guest's processors stopped or run again."""

    paused: bool


class Answered(_Message, frozen=True):
    """From the worker: the answer to an Offer."""

    request: int
    sdp: str


class Refused(_Message, frozen=True):
    """From the worker: why an Offer, OpenStream or AskStats has no answer. ``kind`` names the error class."""

    request: int
    kind: str
    message: str


class Done(_Message, frozen=True):
    """From the worker: whether the viewer of a CloseViewer was there; that of an OpenStream is."""

    request: int
    found: bool


class Stats(_Message, frozen=True):
    """From the worker: the answer to AskStats."""

    request: int
    renditions: tuple[RenditionView, ...]
    viewers: tuple[ViewerView, ...]


class ViewerEnded(_Message, frozen=True):
    """From the worker: a viewer whose Offer or OpenStream was answered is gone, however it ended."""

    viewer: str
    bytes_sent: int
    """Of encoded pictures."""


class Beat(_Message, frozen=True):
    """From the worker, every ``BEAT_INTERVAL_S``: its event loop turns."""

    bytes_sent: dict[str, int] = {}
    """To each viewer so far: where the worker is killed, these are the last figures."""


class DisplayLost(_Message, frozen=True):
    """From the worker: QEMU's display ended or could not be used; another descriptor may help."""

    reason: str


class Registered(_Message, frozen=True):
    """From the worker, before each registration of a listener with QEMU."""

    registrations: int
    """As in :class:`UseDisplay`, this one included."""


class Status(_Message, frozen=True):
    """From the worker, at every change: its consoles, and what QEMU calls its machine."""

    vm_name: str
    consoles: tuple[ConsoleView, ...]


Message = (
    UseDisplay
    | Offer
    | OpenStream
    | CloseViewer
    | AskStats
    | DomainPaused
    | Answered
    | Refused
    | Done
    | Stats
    | ViewerEnded
    | Beat
    | DisplayLost
    | Registered
    | Status
)

_DECODER: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """One packet's bytes.

    Raises:
        MessageRefused: it does not fit, or holds text that is not Unicode.
    """
    kind = type(message).__name__
    try:
        packet = msgspec.msgpack.encode(message)
    except UnicodeEncodeError as error:
        raise MessageRefused(f"a {kind} with text that is not Unicode: {error.reason}") from error
    if len(packet) > MAX_PACKET:
        raise MessageRefused(f"a {kind} of {len(packet)} bytes is too large; at most {MAX_PACKET} are sent")
    return packet


def decode(packet: bytes) -> Message:
    """The message in one packet.

    Raises:
        WorkerError: it is none.
    """
    try:
        return _DECODER.decode(packet)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise WorkerError(f"not a message ({error}): {packet[:80]!r}") from error


def text(value: object, limit: int = MAX_TEXT) -> str:
    """``value`` as text that every message can hold: Unicode, and at most ``limit`` characters."""
    string = str(value)
    if len(string) > limit:
        string = string[: limit - 1] + "…"
    return string.encode("utf-8", "replace").decode()
