"""What docs/protocol.md, "Data channels", promises to end: the viewer's own connection, and nobody else's.

Each case is something that a real client sends, and the reason that is logged for it, once. What a console says is in
test_viewer_console.py, test_viewer_consoles.py and test_shared_console.py.
"""

import asyncio
import logging
from collections.abc import Callable

import pytest

from libvirt_webrtc.input import display_messages
from libvirt_webrtc.worker import input_channel
from tests.media.helpers import soon, until
from tests.worker.input_viewer import A, FakeDisplay, key
from tests.worker.place import PING, Place
from tests.worker.viewer_client import ViewerClient

STRING = 51
"""SCTP's payload protocol identifier of text (RFC 8831)."""

Misdeed = Callable[[ViewerClient], object]


def on_input(message: bytes | str) -> Misdeed:
    return lambda client: client.channels["input"].send(message)


def raw_text(label: str, payload: bytes) -> Misdeed:
    """As text, without a client that encodes it."""

    def send(client: ViewerClient) -> None:
        channel = client.channels[label]
        channel.transport._data_channel_queue.append((channel, STRING, payload))
        client.channels["input"].send(PING)

    return send


def many(count: int, message: bytes) -> Misdeed:
    def send(client: ViewerClient) -> None:
        for _ in range(count):
            client.channels["input"].send(message)

    return send


def channel(label: str) -> Misdeed:
    return lambda client: client.open(label)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the worker logged, and whatever warns."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("libvirt_webrtc.worker") or record.levelno >= logging.WARNING
    ]


def huge(size: int) -> Misdeed:
    """A message of so many bytes, from a client that does not care what was announced."""

    def send(client: ViewerClient) -> None:
        channel = client.channels["input"]
        channel.transport._remote_max_message_size = 0
        channel.send(bytes(size))

    return send


def channels(count: int) -> Misdeed:
    def send(client: ViewerClient) -> None:
        for _ in range(count):
            client.connection.createDataChannel("input")

    return send


MISDEEDS: dict[str, tuple[Misdeed, str]] = {
    "unknown type": (on_input(b"\xff"), "unknown type 0xff"),
    "type of the other direction": (on_input(b"\x81\x00\x01\x00\x01"), "unknown type 0x81"),
    "empty": (on_input(b""), "empty input message"),
    "too short": (on_input(b"\x02\x00"), "type 0x02 with a body of 1 bytes"),
    "too long": (on_input(b"\x07" + bytes(5)), "type 0x07 with a body of 5 bytes"),
    "body where there is none": (on_input(b"\x06\x00"), "RELEASE_ALL with a body"),
    "code that is too long": (on_input(b"\x01\x01" + b"K" * 33), "code is not 1 to 32 ASCII"),
    "code that is not ASCII": (on_input(b"\x01\x01\xc3\xa9"), "code is not 1 to 32 ASCII"),
    "text": (on_input("text"), "text was sent on the input channel"),
    "empty text": (on_input(""), "text was sent on the input channel"),
    "text that is not UTF-8": (raw_text("input", b"\xff\xfe"), "cannot be taken"),
    "text that is not UTF-8, on display": (raw_text("display", b"\xff\xfe"), "cannot be taken"),
    "flood of unknown types": (many(2500, b"\xff"), "unknown type 0xff"),
    "a message on display": (
        lambda client: client.channels["display"].send(PING),
        "on the display channel",
    ),
    "channel of another name": (channel("other"), "unknown data channel was opened: 'other'"),
    "channel of a console that is not there": (
        channel("input/1"),
        "unknown data channel was opened: 'input/1'",
    ),
    "the first console by its index": (channel("input/0"), "unknown data channel was opened: 'input/0'"),
    "message beyond the announced size": (huge(4_000_000), "a message of more than 262144 bytes"),
    "2,000 channels": (channels(2000), "'input' was opened twice"),
    "second display channel": (channel("display"), "'display' was opened twice"),
    "second input channel": (channel("input"), "'input' was opened twice"),
}


@pytest.mark.parametrize("name", MISDEEDS)
async def test_a_misdeed_ends_that_viewer_only_and_is_logged_once(
    place: Place, viewer: ViewerClient, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    misdeed, reason = MISDEEDS[name]
    async with ViewerClient() as other:
        bad, good = await place.connect(viewer), await place.connect(other)
        await until(lambda: viewer.channels["input"].readyState == "open")
        with caplog.at_level(logging.INFO, logger="libvirt_webrtc"):
            misdeed(viewer)
            await until(lambda: place.closed == [bad])
        await soon(viewer.ended.wait())
        farewell = viewer.received[-1]
        assert farewell[0] == display_messages.ENDED
        assert reason in farewell.decode(errors="replace")
        sctp = place.connections[0]._pc.sctp
        assert sctp is not None and len(sctp._data_channels) <= 3, "nothing that comes after it is taken"
        place.tell(display_messages.state(True))
        await until(lambda: other.received[-1] == display_messages.state(True))
        assert good not in place.closed
    assert [reason in text for text in said(caplog)] == [True], caplog.text


async def test_a_connection_that_is_being_ended_reads_nothing_more(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held may take QEMU a while to lift, and a viewer sends what it likes meanwhile."""
    await place.connect(viewer)
    connection = place.connections[0]
    lifted = asyncio.Event()
    leave = connection.viewer.close

    async def close() -> None:
        await lifted.wait()
        await leave()

    monkeypatch.setattr(connection.viewer, "close", close)
    sctp = connection._pc.sctp
    assert sctp is not None
    channel("other")(viewer)
    await until(lambda: connection._closing is not None)
    taken = len(sctp._data_channels)
    for _ in range(5):
        channel("input")(viewer)
    await asyncio.sleep(0.3)
    assert len(sctp._data_channels) == taken
    lifted.set()
    await until(lambda: place.closed == [connection.viewer.name])


@pytest.mark.parametrize(
    "labels", [("display", "display"), ("display", "input/1"), ("input/0",), ("\0", "input")]
)
async def test_channels_of_the_offer_are_held_to_the_same(place: Place, labels: tuple[str, ...]) -> None:
    async with ViewerClient(channels=("display",)) as viewer:
        for label in labels:
            viewer.connection.createDataChannel(label)
        connection = place.connection()
        await viewer.take(await soon(connection.answer(await viewer.offer())))
        await until(lambda: place.closed == [connection.viewer.name])


async def test_more_messages_in_a_second_than_are_promised_end_that_viewer(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a tenth of the limit: a client in Python does not always send 2,000 messages in a second."""
    assert input_channel.MAX_MESSAGES_PER_S == 2000
    monkeypatch.setattr(input_channel, "MAX_MESSAGES_PER_S", 200)
    name = await place.connect(viewer)
    await until(lambda: viewer.channels["input"].readyState == "open")
    with caplog.at_level(logging.INFO, logger="libvirt_webrtc"):
        many(1000, PING)(viewer)
        await until(lambda: place.closed == [name])
    assert ["more than 200 input messages" in text for text in said(caplog)] == [True], caplog.text


async def test_what_is_out_of_range_or_unknown_to_the_keyboard_is_harmless(
    place: Place, viewer: ViewerClient
) -> None:
    await place.connect(viewer)
    await until(lambda: viewer.channels["input"].readyState == "open")
    for message in (
        b"\x01\x01NoSuchKey",
        b"\x04\xff\x01",
        b"\x05\x7f\x80",
        b"\x0a" + bytes(8),
        b"\x09\x07",
        PING,
    ):
        viewer.channels["input"].send(message)
    await until(lambda: viewer.received[-1] == b"\x87" + PING[1:])
    assert place.closed == []


def close_input(client: ViewerClient) -> None:
    client.channels["input"].close()


ENDS_OF_A_KEY: dict[str, Misdeed] = {
    "RELEASE_ALL": on_input(b"\x06"),
    "the channel closes": close_input,
    "silence": lambda client: None,
    "a misdeed": on_input(b"\xff"),
    "the viewer leaves": lambda client: asyncio.ensure_future(client.connection.close()),
}


@pytest.mark.parametrize("how", ENDS_OF_A_KEY)
async def test_a_held_key_goes_up(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "silence":
        assert input_channel.SILENT_AFTER_S == 4.0
        monkeypatch.setattr(input_channel, "SILENT_AFTER_S", 0.3)
    name = await place.connect(viewer)
    display = FakeDisplay()
    place.shared_consoles[0].input.attach(display.keyboard, display.mouse)
    await until(lambda: viewer.channels["input"].readyState == "open")
    viewer.channels["input"].send(key("KeyA", True))
    await until(lambda: display.calls == [("key down", A)])
    ending = ENDS_OF_A_KEY[how](viewer)
    await until(lambda: display.calls == [("key down", A), ("key up", A)])
    if how in ("silence", "a misdeed", "the viewer leaves"):
        await until(lambda: place.closed == [name])
    else:
        assert place.closed == []
    if isinstance(ending, asyncio.Future):
        await ending
