"""One viewer's stream, against the other end of its socket, with real encoders and a real decoder."""

import asyncio

import pytest

from libvirt_webrtc.agent import limits
from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.input import display_messages
from libvirt_webrtc.media.encode import encoder
from libvirt_webrtc.media.rtp import congestion
from libvirt_webrtc.worker.announcer import MAX_BUFFERED_BYTES
from libvirt_webrtc.worker.transports import stream as stream_module
from libvirt_webrtc.worker.transports.window import START_BYTES
from tests.media.helpers import noise, picture, show, soon, until
from tests.support.grants import VIEWER
from tests.worker.place import OWN, PING, Place
from tests.worker.stream_client import StreamClient

WATCH, UNWATCH, KEY = b"\x09\x01", b"\x09\x00", b"\x01\x01KeyA"


async def test_a_viewer_is_greeted_and_sees_the_picture(place: Place) -> None:
    async with StreamClient() as client:
        connection = await place.connect_stream(client)
        await until(lambda: client.sizes == {0: (64, 48)})
        consoles = {"consoles": [{"index": 0, "section": 0, "label": "console 0", "enabled": True}]}
        greeting = [*OWN, display_messages.consoles(consoles)]
        assert client.received[1:] == [(0, message) for message in greeting]
        assert client.kinds[0][2], "the first picture is a keyframe"
        client.send(PING)
        await until(lambda: client.received[-1] == (0, b"\x87" + PING[1:]))
        show(place.framebuffer, picture(100, 50, seed=1))
        await until(lambda: client.sizes == {0: (100, 50)})
        await soon(asyncio.gather(connection.close("Good night."), connection.close()))
        await soon(client.ended.wait())
        assert client.farewell == "Good night." and place.closed == [connection.viewer.name]


async def test_a_viewer_that_leaves_is_closed_once_and_nothing_is_encoded(place: Place) -> None:
    async with StreamClient() as client:
        connection = await place.connect_stream(client)
        await until(lambda: client.sizes != {})
    await until(lambda: place.closed == [connection.viewer.name])
    await until(lambda: place.shared_consoles[0].renditions == 0)


async def test_several_consoles_come_over_one_stream(place: Place) -> None:
    place.add()
    async with StreamClient() as client:
        await place.connect_stream(client)
        await until(lambda: client.sizes != {})
        assert {console for console, _ in client.received} == {0}
        client.send(WATCH, 1)
        await until(lambda: set(client.sizes) == {0, 1})
        assert [message for console, message in client.received if console == 1] == OWN
        client.send(UNWATCH, 1)
        await until(lambda: place.shared_consoles[1].renditions == 0)
        third = place.add()
        await until(lambda: client.types.count(display_messages.CONSOLES) >= 2)
        client.send(WATCH, third.index)
        await until(lambda: third.index in client.sizes)


async def test_a_viewer_may_be_silent_about_what_it_does_not_watch(place: Place) -> None:
    async with StreamClient() as client:
        connection = await place.connect_stream(client)
        await until(lambda: client.sizes != {})
        opened = connection.viewer.console(None)
        assert opened is not None and not opened.input.may_be_silent()
        client.send(UNWATCH)
        await until(opened.input.may_be_silent)
        client.send(WATCH)
        await until(lambda: not opened.input.may_be_silent())


async def test_what_the_browser_decodes_is_sent(place: Place) -> None:
    async with StreamClient(("VP8", "AV2")) as client:
        await place.connect_stream(client)
        await until(lambda: client.sizes != {})
        assert {format_ for _, format_, _ in client.kinds} == {2}


async def test_a_browser_that_decodes_nothing_of_it_is_told_so(place: Place) -> None:
    async with StreamClient(("AV2",)) as client:
        connection = await place.connect_stream(client)
        await soon(client.ended.wait())
        assert place.closed == [connection.viewer.name]


async def test_a_picture_that_is_not_decoded_comes_again_and_then_in_another_format(place: Place) -> None:
    async with StreamClient() as client:
        await place.connect_stream(client)
        await until(lambda: client.sizes != {})
        before = client.kinds[0][1]
        async with asyncio.timeout(30):
            while client.kinds[-1][1] == before:
                client.send(b"\x42")
                await asyncio.sleep(0.3)
        keyframes = [kind for kind in client.kinds if kind[2]]
        assert len(keyframes) >= 3 and keyframes[-1][1] != before


HOSTILE = {
    "an empty message": (b"", "empty"),
    "a console without a message": (b"\x00", "empty"),
    "an unknown type": (b"\x00\x3f", "unknown type"),
    "a message of the server's": (b"\x00\xc1\x00", "unknown type"),
    "a console that is not there": (b"\x07\x09\x01", "console 7"),
    "an input message of the wrong length": (b"\x00\x02\x00", "0x02"),
    "a second HELLO": (b'\x00\x40{"formats":["VP8"]}', "second HELLO"),
    "a RECEIVED of more than was sent": (b"\x00\x41\x7f\xff\xff\xff", "RECEIVED"),
    "a message that is too long": (b"\x00" * 2000, "2000 bytes"),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_nonsense_ends_its_viewer_only(place: Place, what: str) -> None:
    message, why = HOSTILE[what]
    async with StreamClient() as other, StreamClient() as hostile:
        await place.connect_stream(other)
        connection = await place.connect_stream(hostile)
        await until(lambda: hostile.sizes != {} and other.sizes != {})
        assert hostile.messages is not None
        hostile.messages.write(message)
        await soon(hostile.ended.wait())
        assert why in hostile.farewell
        await until(lambda: place.closed == [connection.viewer.name])
        other.send(PING)
        await until(lambda: other.types[-1] == display_messages.PONG)


async def test_a_flood_ends_its_viewer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "MAX_MESSAGES_PER_S", 500)
    async with StreamClient() as client:
        await place.connect_stream(client)
        await until(lambda: client.sizes != {})
        for _ in range(2000):
            client.acknowledge()
        await soon(client.ended.wait())
        assert "in a second" in client.farewell


async def test_a_viewer_that_does_not_say_hello_is_given_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HELLO_S", 0.05)
    async with StreamClient(()) as client:
        await place.connect_stream(client)
        await soon(client.ended.wait())
        assert place.closed


async def test_what_a_viewer_does_not_acknowledge_is_bounded(place: Place) -> None:
    """And it is shown the newest picture once it goes on, if smaller for a while."""
    async with StreamClient() as client:
        client.acknowledges = False
        await place.connect_stream(client)
        for seed in range(30):
            show(place.framebuffer, noise(640 + seed % 2 * 2, 480))
            await asyncio.sleep(0.05)
        assert client.bytes <= START_BYTES + 20_000
        client.acknowledges = True
        client.acknowledge()
        show(place.framebuffer, picture(320, 200, seed=5))
        await until(lambda: client.sizes.get(0) in ((320, 200), (160, 100)))
        assert place.closed == []


async def test_an_animated_pointer_is_bounded_by_what_a_viewer_acknowledges(place: Place) -> None:
    """It reads, as a tunnel does that passes things on more slowly; pictures and the pointer leave each other room."""
    async with StreamClient() as client:
        await place.connect_stream(client)
        await until(lambda: client.sizes != {})
        client.acknowledges = False
        before = client.taken
        (opened,) = place.shared_consoles[0].consoles
        cursor = display_messages.cursor(64, 64, 0, 0, noise(64, 64).tobytes())
        for _ in range(40):
            opened.announcer.tell(display_messages.CURSOR, lambda: cursor)
            show(place.framebuffer, noise(640, 480))
            await asyncio.sleep(0.02)
        assert client.taken - before < START_BYTES + MAX_BUFFERED_BYTES + 40_000
        client.acknowledges = True
        client.acknowledge()
        client.received.clear()
        await until(lambda: display_messages.CURSOR in client.types)
        assert place.closed == []


async def test_messages_pass_while_a_large_picture_is_under_way(place: Place) -> None:
    show(place.framebuffer, noise(1280, 720))
    async with StreamClient() as client:
        client.acknowledges = client.decodes = False
        await place.connect_stream(client)
        await until(lambda: client.bytes >= START_BYTES)
        assert client.kinds == []
        client.send(PING)
        await until(lambda: client.types[-1] == display_messages.PONG)


async def test_a_slow_viewer_gets_a_lower_layer(place: Place) -> None:
    async with StreamClient() as client:
        client.acknowledges = client.decodes = False
        connection = await place.connect_stream(client)
        seed = 0
        async with asyncio.timeout(30):
            while not connection.viewer.tracks or connection.viewer.tracks[0].layer.name == "full":
                seed += 1
                show(place.framebuffer, noise(640, 480) if seed % 2 else picture(640, 480, seed))
                await asyncio.sleep(0.1)
                client.acknowledge()
        assert place.closed == []


async def test_input_of_somebody_who_may_only_look_is_dropped(place: Place) -> None:
    """The worker holds to that itself, whatever the page sends; frames and statistics it may have."""
    async with StreamClient() as client:
        connection = await place.connect_stream(client, VIEWER)
        await until(lambda: client.sizes != {})
        for message in (
            KEY,
            b"\x02\x00\x01\x00\x01",
            b"\x04\x00\x01",
            b"\x0a\x02\x00\x01\x00\x00\x00\x00\x00",
        ):
            client.send(message)
        client.send(PING)
        await until(lambda: client.types[-1] == display_messages.PONG)
        opened = connection.viewer.console(None)
        assert opened is not None and opened.input.refused == 4
        assert place.shared_consoles[0].asked == []


async def test_a_failed_encoder_disconnects_its_viewers(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MediaError("no encoder today")

    async with StreamClient() as client:
        await place.connect_stream(client)
        await until(lambda: client.sizes != {})
        monkeypatch.setattr(encoder.VideoEncoder, "encode", fail)
        show(place.framebuffer, picture(64, 48, seed=3))
        await soon(client.ended.wait())
        assert "no encoder today" in client.farewell


async def test_a_viewer_gets_its_full_picture_back_though_nothing_moves(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(congestion, "QUIET_S", 0.0)
    monkeypatch.setattr(congestion, "HOLD_S", 0.0)
    async with StreamClient() as client:
        connection = await place.connect_stream(client)
        await until(lambda: client.sizes == {0: (64, 48)})
        (track, *_) = connection.viewer.tracks
        track.congestion.limit(asyncio.get_running_loop().time(), 1_400_000)
        show(place.framebuffer, picture(64, 48, seed=1))
        await until(lambda: track.layer.name != "full")
        async with asyncio.timeout(30):
            while track.layer.name != "full":
                client.send(PING)
                await asyncio.sleep(0.1)
