"""Messages as bytes, and what is none."""

from dataclasses import replace

import msgspec
import pytest

from libvirt_webrtc.agent.interface import ConsoleView
from libvirt_webrtc.display.display import MAX_CONSOLES
from libvirt_webrtc.errors import MessageRefused, WorkerError
from libvirt_webrtc.worker import ipc
from libvirt_webrtc.worker.shared_console import MAX_LABEL
from tests.portal.fakes import STATS
from tests.support.grants import ADMIN

VIEW = ConsoleView(index=0, label="VGA", width=720, height=400, scanout=None, viewers=0)

MESSAGES: list[ipc.Message] = [
    ipc.UseDisplay(True),
    ipc.Offer(1, "peer", 0, "v=0\r\n", ADMIN),
    ipc.CloseViewer(2, "peer"),
    ipc.DomainPaused(True),
    ipc.Answered(1, "v=0\r\n"),
    ipc.Refused(1, "NoConsole", "none"),
    ipc.Done(2, False),
    ipc.ViewerEnded("viewer", 1 << 40),
    ipc.Beat(),
    ipc.DisplayLost("gone"),
    ipc.Registered(3),
    ipc.AskStats(3, 0),
    ipc.Stats(3, STATS.renditions, STATS.viewers),
    ipc.Status("", ()),
    ipc.Status("demo", (VIEW, ConsoleView(1, "é\n\0\U0001f5a5", 1, 1, "map", 64))),
]


def packet(kind: object, **fields: object) -> bytes:
    return msgspec.msgpack.encode({"type": kind, **fields})


def console(**changes: object) -> dict[str, object]:
    return {"index": 0, "label": "", "width": 1, "height": 1, "scanout": None, "viewers": 0} | changes


NONE = [
    b"",
    b"\xff",
    b"nonsense",
    b"\x91" * 100_000,
    msgspec.msgpack.encode(None),
    msgspec.msgpack.encode("Beat"),
    msgspec.msgpack.encode({}),
    ipc.encode(ipc.Beat()) + b"more",
    packet([]),
    packet("Nothing"),
    packet("Beat", more=1),
    packet("Answered", request=1),
    packet("Answered", request="1", sdp=""),
    packet("Answered", request=True, sdp=""),
    packet("Answered", request=1, sdp=None),
    packet("Answered", request=1, sdp="v").replace(b"v", b"\xff"),
    packet("DisplayLost", reason=["x"]),
    packet("Status", vm_name="", consoles={}),
    packet("Status", vm_name="", consoles=[1]),
    packet("Status", vm_name="", consoles=[{}]),
    packet("Status", vm_name="", consoles=[console(width="1")]),
    packet("Status", vm_name="", consoles=[console(scanout=1)]),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_come_back_as_they_were(message: ipc.Message) -> None:
    assert ipc.decode(ipc.encode(message)) == message


@pytest.mark.parametrize("packet", NONE, ids=lambda packet: repr(packet[:40]))
def test_what_is_no_message_is_a_worker_error(packet: bytes) -> None:
    with pytest.raises(WorkerError, match="not a message"):
        ipc.decode(packet)


@pytest.mark.parametrize(
    "text", ["\r\n" * 32 * 1024, "é" * 32 * 1024, "\U0001f5a5" * 16 * 1024, "\0" * 64 * 1024]
)
def test_an_offer_takes_as_many_bytes_as_its_text(text: str) -> None:
    """As JSON with its escapes, 64 KiB of some text did not fit into a packet."""
    assert len(ipc.encode(ipc.Offer(1, "viewer", 0, text, ADMIN))) < 64 * 1024 + 200


def test_what_cannot_be_sent_says_why() -> None:
    with pytest.raises(MessageRefused, match="a Answered of .* bytes is too large"):
        ipc.encode(ipc.Answered(1, "x" * ipc.MAX_PACKET))
    with pytest.raises(MessageRefused, match="not Unicode"):
        ipc.encode(ipc.DisplayLost("a file's name: \udcff"))


def test_text_for_people_always_fits() -> None:
    assert ipc.text("short é") == "short é"
    assert ipc.text("\udcff" * 3) == "???"
    assert ipc.text("x" * 10_000, 100) == "x" * 99 + "…"
    assert ipc.decode(ipc.encode(ipc.DisplayLost(ipc.text("\ud800" * 500_000))))


def test_the_statistics_of_the_most_viewers_fit() -> None:
    wordy = replace(STATS.viewers[0], reason="é" * ipc.MAX_TEXT)
    assert ipc.encode(ipc.Stats(1, STATS.renditions * 12, (wordy,) * 64))


def test_the_longest_list_of_consoles_fits() -> None:
    longest = replace(VIEW, label="\U0001f5a5" * MAX_LABEL)
    assert ipc.encode(ipc.Status("\U0001f5a5" * MAX_LABEL, (longest,) * MAX_CONSOLES))
