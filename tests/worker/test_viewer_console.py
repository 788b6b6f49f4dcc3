"""What goes over one console's display channel."""

import asyncio
import json

import pytest

from libvirt_webrtc.input import display_messages
from libvirt_webrtc.media import formats
from libvirt_webrtc.media.track import ViewerStats
from libvirt_webrtc.worker import viewer_console as viewer_console_module
from tests.media.helpers import picture, show, soon, until
from tests.worker.place import GREETING, PING, Place
from tests.worker.viewer_client import ViewerClient

WANT_STATS, WANT_NO_STATS = b"\x08\x01", b"\x08\x00"


async def test_messages_before_the_display_channel_is_open_are_left_out(place: Place) -> None:
    async with ViewerClient(channels=("input",)) as viewer:
        connection = place.connection()
        answer = await soon(connection.answer(await viewer.offer()))
        place.tell(display_messages.state(True))
        await viewer.take(answer)
        await until(lambda: viewer.connection.connectionState == "connected")
        place.tell(display_messages.state(True))
        await connection.close()


async def test_a_viewer_that_wants_stats_is_told_them_until_it_does_not(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer_console_module, "STATS_INTERVAL_S", 0.01)
    await place.connect(viewer)
    await until(lambda: viewer.frames > 0)
    assert display_messages.STATS not in viewer.types
    viewer.channels["input"].send(WANT_STATS)
    await until(lambda: viewer.types.count(display_messages.STATS) > 2)
    told = json.loads(viewer.received[-1][1:])
    assert told["viewer"]["frames"] > 0 and told["viewer"]["keyframes"] > 0
    assert (told["rendition"]["width"], told["rendition"]["height"], told["rendition"]["viewers"]) == (
        64,
        48,
        1,
    )
    assert told["rendition"]["encoder"]
    assert (told["rendition"]["format"], told["rendition"]["layer"]) == (
        told["viewer"]["format"],
        told["viewer"]["layer"],
    )
    viewer.channels["input"].send(WANT_NO_STATS)
    viewer.channels["input"].send(PING)
    await until(lambda: viewer.types[-1] == display_messages.PONG)
    count = len(viewer.received)
    await asyncio.sleep(0.1)
    assert len(viewer.received) == count


async def test_a_message_larger_than_the_viewer_takes_is_left_out(place: Place, viewer: ViewerClient) -> None:
    """A viewer could otherwise raise into the display's reader, and so end everybody's picture."""
    connection = place.connection()
    offer = await viewer.offer()
    assert "a=max-message-size:" in offer
    lines = ["a=max-message-size:300" if "max-message" in line else line for line in offer.split("\r\n")]
    await viewer.take(await soon(connection.answer("\r\n".join(lines))))
    await until(lambda: len(viewer.received) >= len(GREETING))
    place.tell(display_messages.cursor(16, 16, 0, 0, bytes(16 * 16 * 4)))
    place.tell(display_messages.state(True))
    await until(lambda: viewer.received[len(GREETING) :] == [display_messages.state(True)])
    assert place.closed == []


async def test_a_viewer_that_does_not_read_is_disconnected(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer_console_module, "MAX_BUFFERED_BYTES", 100_000)
    name = await place.connect(viewer)
    for _ in range(200):
        place.tell(display_messages.cursor(100, 100, 0, 0, bytes(40_000)))
    await until(lambda: place.closed == [name])


async def test_a_viewer_is_told_when_its_picture_is_reduced_and_when_it_is_not_any_more(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its decoders take 320x240 of H.264 and 640x480 of VP8; aiortc's decoder follows the change of the format."""
    monkeypatch.setattr(formats, "_H264_MACROBLOCKS", 300)
    monkeypatch.setattr(formats, "_LIBVPX_MACROBLOCKS", 1200)
    await place.connect(viewer)
    await until(lambda: viewer.frames > 0)
    assert display_messages.REDUCED not in viewer.types
    show(place.framebuffer, picture(640, 480))
    await until(lambda: (viewer.pictures[0].width, viewer.pictures[0].height) == (640, 480))
    show(place.framebuffer, picture(1280, 960))
    await until(lambda: display_messages.reduced(2) == told(viewer))
    assert "half of the width and height" in viewer_stats(place).reason
    show(place.framebuffer, picture(64, 48))
    await until(lambda: display_messages.reduced(1) == told(viewer))


def told(viewer: ViewerClient) -> bytes | None:
    """The last REDUCED."""
    return next((m for m in reversed(viewer.received) if m[0] == display_messages.REDUCED), None)


def viewer_stats(place: Place) -> ViewerStats:
    (opened,) = place.shared_consoles[0].consoles
    return opened.track.stats()
