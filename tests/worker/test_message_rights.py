"""Every message of a viewer for every role, by the list of rights; and a viewer whose time is over."""

import time
from dataclasses import replace
from typing import get_args

import pytest

from libvirt_webrtc.agent.grant import Role
from libvirt_webrtc.errors import ViewerProtocolError
from libvirt_webrtc.input import display_messages
from libvirt_webrtc.input.messages import InputMessage, parse
from libvirt_webrtc.input.stream_messages import StreamMessage
from libvirt_webrtc.portal.routes.rights import MESSAGES
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN, VIEWER
from tests.worker.input_viewer import InputViewer, settle
from tests.worker.place import PING, Place
from tests.worker.stream_client import StreamClient
from tests.worker.viewer_client import ViewerClient

LONGEST = 32
"""Bytes of the longest body below."""


def samples() -> dict[type[InputMessage], bytes]:
    """One message of every type that :func:`parse` takes, found by trying them all."""
    found: dict[type[InputMessage], bytes] = {}
    for kind in range(256):
        for length in range(LONGEST):
            message = bytes([kind]) + b"\1" + b"KeyA"[: max(0, length - 1)].ljust(length, b"\1")
            message = message[: length + 1]
            try:
                found.setdefault(type(parse(message)), message)
            except ViewerProtocolError:
                continue
    return found


SAMPLES = samples()
BEYOND_VIEW = [SAMPLES[kind] for kind in SAMPLES if MESSAGES[kind] > Role.VIEW]
"""A message of each type that may not be sent by who may only view."""


def test_every_message_is_in_the_list_of_rights() -> None:
    """A new message: say in portal/routes/rights.py which role it needs."""
    assert set(SAMPLES) == set(get_args(InputMessage))
    assert set(SAMPLES) | set(get_args(StreamMessage)) == set(MESSAGES)
    # A viewer's way of getting pictures at all: nothing in a stream's own messages asks for its role.
    assert {MESSAGES[kind] for kind in get_args(StreamMessage)} == {Role.VIEW}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.__name__)
async def test_a_message_counts_only_from_who_may_send_it(
    kind: type[InputMessage], role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = InputViewer(role=role)
    wants: list[bool] = []
    viewer.channel.on_want_stats = wants.append
    sent: list[InputMessage] = []

    async def send(message: InputMessage) -> None:
        sent.append(message)

    monkeypatch.setattr(viewer.channel.sink, "send", send)
    viewer.feed(SAMPLES[kind])
    await settle()
    effects = [sent, viewer.pongs, viewer.watches, viewer.sizes, wants]
    if role >= MESSAGES[kind]:
        assert sum(map(bool, effects)) == 1 and viewer.channel.refused == 0
    else:
        assert not any(effects) and viewer.channel.refused == 1
    assert viewer.faults == []
    await viewer.channel.close()


@pytest.mark.parametrize("role", Role)
async def test_a_viewer_is_told_its_role(place: Place, viewer: ViewerClient, role: Role) -> None:
    connection = place.connection(grant=replace(VIEWER, role=role))
    await viewer.take(await soon(connection.answer(await viewer.offer())))
    await until(lambda: bool(viewer.received))
    assert viewer.received[0] == display_messages.role(role)


async def test_a_viewer_that_only_views_reaches_no_console(place: Place, viewer: ViewerClient) -> None:
    """By its real data channels, those of a second console as well."""
    place.add()
    connection = place.connection(grant=VIEWER)
    await viewer.take(await soon(connection.answer(await viewer.offer())))
    await until(lambda: bool(viewer.received))
    for message in BEYOND_VIEW:
        viewer.channels["input"].send(message)
    viewer.channels["input"].send(PING)
    await until(lambda: viewer.types[-1] == display_messages.PONG)
    opened = place.shared_consoles[0].consoles[0]
    assert opened.input.refused == len(BEYOND_VIEW) and place.shared_consoles[0].asked == []


@pytest.mark.parametrize("role", Role)
async def test_a_stream_reaches_a_console_only_with_the_role_for_it(place: Place, role: Role) -> None:
    """By the messages of a WebSocket, those to a second console as well."""
    place.add()
    async with StreamClient() as client:
        await place.connect_stream(client, replace(VIEWER, role=role))
        await until(lambda: client.sizes != {})
        for console in (0, 1):
            for message in BEYOND_VIEW:
                client.send(message, console)
            client.send(PING, console)
            await until(lambda: client.received[-1] == (console, b"\x87" + PING[1:]))  # noqa: B023
        for shared in place.shared_consoles:
            (opened,) = shared.consoles
            assert opened.input.refused == (len(BEYOND_VIEW) if role is Role.VIEW else 0)
            assert bool(shared.asked) == (role >= Role.CONTROL)
            assert (0, display_messages.role(role)) in client.received


async def test_a_stream_ends_when_its_time_is_over(place: Place) -> None:
    async with StreamClient() as client:
        await place.connect_stream(client, replace(ADMIN, until=time.monotonic() + 1.0))
        await soon(client.ended.wait())
        assert "the time that access was given for is over" in client.farewell


async def test_a_viewer_ends_when_its_time_is_over(place: Place, viewer: ViewerClient) -> None:
    connection = place.connection(grant=replace(ADMIN, until=time.monotonic() + 1.0))
    await viewer.take(await soon(connection.answer(await viewer.offer())))
    await until(lambda: bool(place.closed))
    assert any(
        message[0] == display_messages.ENDED and b"the time that access was given for is over" in message
        for message in viewer.received
    )
