"""Several consoles of a domain in one viewer's connection, against a real aiortc client over loopback."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from libvirt_webrtc.errors import NegotiationError
from libvirt_webrtc.input import display_messages
from libvirt_webrtc.input.messages import Resize
from libvirt_webrtc.worker.transports import webrtc
from tests.media.helpers import picture, show, soon, until
from tests.worker.place import OWN, PING, Place
from tests.worker.viewer_client import ViewerClient

WATCH, WATCH_NO_MORE = b"\x09\x01", b"\x09\x00"


@pytest.fixture
async def viewer(patched_aiortc: None) -> AsyncIterator[ViewerClient]:
    async with ViewerClient(sections=3) as made:
        yield made


async def connect(place: Place, viewer: ViewerClient) -> None:
    await viewer.take(await soon(place.connection().answer(await viewer.offer())))
    await until(lambda: display_messages.CONSOLES in viewer.types and viewer.shown[0] > 0)


def consoles(viewer: ViewerClient) -> list[dict[str, Any]]:
    """As the viewer was told last."""
    newest = [message for message in viewer.received if message[0] == display_messages.CONSOLES][-1]
    return list(json.loads(newest[1:])["consoles"])


async def open_console(viewer: ViewerClient, console: int) -> list[bytes]:
    """Open a console's channels and watch it; what comes on its display channel."""
    told: list[bytes] = []
    display = viewer.open(f"display/{console}")
    display.on("message", told.append)
    channel = viewer.open(f"input/{console}")
    await until(lambda: channel.readyState == "open" and display.readyState == "open")
    channel.send(WATCH)
    return told


def looks_like(viewer: ViewerClient, section: int, seed: int) -> bool:
    shown = viewer.pictures.get(section)
    if shown is None:
        return False
    wanted = picture(64, 48, seed=seed)[..., 2::-1].astype(np.int32)
    return float(np.abs(shown.to_ndarray(format="rgb24") - wanted).mean()) < 12


async def test_consoles_show_different_pictures_on_one_connection(place: Place, viewer: ViewerClient) -> None:
    second = place.add()
    await connect(place, viewer)
    assert [(opened["index"], opened["section"]) for opened in consoles(viewer)] == [(0, 0), (1, 1)]
    told = await open_console(viewer, 1)
    await until(lambda: told[: len(OWN)] == OWN and viewer.shown[1] > 0)
    await until(lambda: looks_like(viewer, 0, 0) and looks_like(viewer, 1, 1))
    assert not looks_like(viewer, 0, 1) and second.listening


async def test_a_console_that_nobody_opened_costs_nothing(place: Place, viewer: ViewerClient) -> None:
    second = place.add()
    await connect(place, viewer)
    assert (second.consoles, second.renditions, second.listening) == ([], 0, False)
    assert viewer.shown[1:] == [0, 0]


async def test_a_console_that_is_not_watched_any_more_is_not_encoded(
    place: Place, viewer: ViewerClient
) -> None:
    second = place.add()
    await connect(place, viewer)
    await open_console(viewer, 1)
    await until(lambda: viewer.shown[1] > 0)
    viewer.channels["input/1"].send(WATCH_NO_MORE)
    await until(lambda: second.renditions == 0)
    show(second.framebuffer, picture(64, 48, seed=7))
    await until(lambda: viewer.shown[0] > 0)
    viewer.channels["input/1"].send(WATCH)
    await until(lambda: looks_like(viewer, 1, 7))
    # The first one as well: a page may show the other alone.
    viewer.channels["input"].send(WATCH_NO_MORE)
    await until(lambda: place.shared_consoles[0].renditions == 0)
    assert place.closed == []


async def test_a_console_that_comes_later_needs_no_new_offer(place: Place, viewer: ViewerClient) -> None:
    await connect(place, viewer)
    assert [opened["index"] for opened in consoles(viewer)] == [0]
    place.add()
    await until(lambda: [opened["section"] for opened in consoles(viewer)] == [0, 1])
    await open_console(viewer, 1)
    await until(lambda: looks_like(viewer, 1, 1))


async def test_a_console_that_goes_and_comes_back_keeps_its_section(
    place: Place, viewer: ViewerClient
) -> None:
    first, _second, third = place.shared_consoles[0], place.add(), place.add()
    await connect(place, viewer)
    (connection,) = place.connections
    connection.viewer.consoles_changed([first, third])
    await until(
        lambda: [(opened["index"], opened["section"]) for opened in consoles(viewer)] == [(0, 0), (2, 2)]
    )
    connection.viewer.consoles_changed(place.shared_consoles)
    await until(lambda: [opened["section"] for opened in consoles(viewer)] == [0, 1, 2])


async def test_more_consoles_than_sections_are_told_without_one(place: Place) -> None:
    place.add()
    async with ViewerClient() as viewer:
        await connect(place, viewer)
        assert [opened["section"] for opened in consoles(viewer)] == [0, None]
        viewer.open("input/1")
        await until(lambda: place.closed == [place.connections[0].viewer.name])


async def test_each_console_has_its_own_input_and_answers(place: Place, viewer: ViewerClient) -> None:
    second = place.add()
    await connect(place, viewer)
    told = await open_console(viewer, 1)
    viewer.channels["input/1"].send(PING)
    await until(lambda: told[-1] == b"\x87" + PING[1:])
    viewer.channels["input/1"].send(b"\x0a\x05\x00\x00\x10\x01\x52\x00\xd3")
    await until(lambda: told[-1] == display_messages.resized(False))
    assert second.asked == [Resize(1280, 64, 338, 211)]
    viewer.channels["input"].send(b"\x0a\x05\x56\x03\x00\x00\x00\x00\x00")
    await until(lambda: viewer.received[-1] == display_messages.resized(True))
    assert place.shared_consoles[0].asked == [Resize(1366, 768, 0, 0)]


async def test_a_console_without_a_picture_ends_the_viewer_so_that_its_page_comes_back(
    place: Place, viewer: ViewerClient
) -> None:
    place.add().fails = True
    await connect(place, viewer)
    await open_console(viewer, 1)
    await until(lambda: place.closed == [place.connections[0].viewer.name])


async def test_closing_leaves_every_console(place: Place, viewer: ViewerClient) -> None:
    second = place.add()
    await connect(place, viewer)
    await open_console(viewer, 1)
    await until(lambda: viewer.shown[1] > 0)
    await soon(place.connections[0].close())
    assert (place.shared_consoles[0].consoles, second.consoles) == ([], [])
    await until(lambda: place.shared_consoles[0].renditions == second.renditions == 0)


async def test_a_change_is_told_once(place: Place, viewer: ViewerClient) -> None:
    second = place.add()
    await connect(place, viewer)
    (connection,) = place.connections
    for enabled in (True, False, False, True):
        second.enabled = enabled
        connection.viewer.consoles_changed(place.shared_consoles)
    await until(lambda: viewer.types.count(display_messages.CONSOLES) == 3)
    await asyncio.sleep(0.05)
    assert [opened["enabled"] for opened in consoles(viewer)] == [True, True]
    assert viewer.types.count(display_messages.CONSOLES) == 3


async def test_too_many_video_sections_are_refused(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc, "MAX_CONSOLES", 2)
    with pytest.raises(NegotiationError, match="more than 2 video sections"):
        await soon(place.connection().answer(await viewer.offer()))
