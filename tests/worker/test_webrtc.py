"""One viewer's connection, against a real aiortc client over loopback."""

import asyncio

import pytest

from libvirt_webrtc.agent import limits
from libvirt_webrtc.errors import MediaError, NegotiationError
from libvirt_webrtc.media.encode import encoder
from tests.media.helpers import picture, show, soon, until
from tests.worker.place import GREETING, PING, Place
from tests.worker.viewer_client import ViewerClient


async def test_a_viewer_is_greeted_and_sees_the_picture(place: Place, viewer: ViewerClient) -> None:
    name = await place.connect(viewer)
    (connection,) = place.connections
    assert viewer.received == GREETING
    viewer.channels["input"].send(PING)
    await until(lambda: viewer.received[-1] == b"\x87" + PING[1:])
    await until(lambda: viewer.frames > 0)
    await soon(asyncio.gather(connection.close(), connection.close()))
    await connection.close()
    assert place.closed == [name]
    await soon(viewer.ended.wait())


async def test_a_viewer_that_leaves_is_closed_once(place: Place, viewer: ViewerClient) -> None:
    name = await place.connect(viewer)
    await viewer.connection.close()
    await until(lambda: place.closed == [name])


async def test_a_viewer_that_never_connects_is_given_up(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONNECT_S", 0.05)
    connection = place.connection()
    await soon(connection.answer(await viewer.offer()))
    await until(lambda: place.closed == [connection.viewer.name])


async def test_a_connected_viewer_is_not_given_up(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONNECT_S", 1.0)
    await place.connect(viewer)
    frames = viewer.frames
    await asyncio.sleep(1.2)
    assert place.closed == [] and viewer.frames >= frames


async def test_a_failed_encoder_disconnects_its_viewers(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that their pages come back, to a new encoder."""

    def fail(*_: object, **__: object) -> None:
        raise MediaError("no encoder today")

    name = await place.connect(viewer)
    await until(lambda: viewer.frames > 0)
    monkeypatch.setattr(encoder.VideoEncoder, "encode", fail)
    show(place.framebuffer, picture(64, 48, seed=3))
    await until(lambda: place.closed == [name])
    monkeypatch.undo()
    async with ViewerClient() as again:
        await place.connect(again)
        await until(lambda: again.frames > 0)


@pytest.mark.parametrize("turns", range(12))
async def test_a_viewer_closed_while_it_is_answered(place: Place, viewer: ViewerClient, turns: int) -> None:
    offer = await viewer.offer()
    connection = place.connection()
    answering = asyncio.create_task(connection.answer(offer))
    for _ in range(turns * 3):
        await asyncio.sleep(0)
    closing = asyncio.create_task(connection.close())
    try:
        await soon(answering)
    except NegotiationError:
        pass
    await soon(closing)
    assert place.closed == [connection.viewer.name]


@pytest.mark.parametrize("turns", range(5))
async def test_an_answer_that_is_cancelled_closes_the_viewer(
    place: Place, viewer: ViewerClient, turns: int
) -> None:
    connection = place.connection()
    answering = asyncio.create_task(connection.answer(await viewer.offer()))
    for _ in range(turns * 3 + 1):
        await asyncio.sleep(0)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(answering)
    await until(lambda: place.closed == [connection.viewer.name])
