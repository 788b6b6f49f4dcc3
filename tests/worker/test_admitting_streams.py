"""What happens to a viewer's stream while its socket is opened."""

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest

from libvirt_webrtc.display.display import Display
from libvirt_webrtc.errors import NegotiationError, NoConsole
from libvirt_webrtc.input import display_messages
from libvirt_webrtc.worker.message_socket import MessageSocket
from libvirt_webrtc.worker.shared_consoles import SharedConsoles
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.worker.stream_client import StreamClient

Meanwhile = Callable[[Callable[[], Awaitable[object]]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Have something done when the worker's end of a stream has just been opened."""
    original = MessageSocket.open

    def have(do: Callable[[], Awaitable[object]]) -> None:
        async def opened(sock: socket.socket, *, largest: int) -> MessageSocket:
            made = await original(sock, largest=largest)
            await do()
            return made

        monkeypatch.setattr(MessageSocket, "open", opened)

    return have


@pytest.fixture
async def client() -> AsyncIterator[tuple[StreamClient, socket.socket]]:
    async with StreamClient() as made:
        yield made, cast(socket.socket, await made.begin())


async def test_a_console_that_comes_meanwhile_is_told(
    shared_consoles: SharedConsoles,
    display: Display,
    client: tuple[StreamClient, socket.socket],
    meanwhile: Meanwhile,
) -> None:
    async def come() -> None:
        shared_consoles.match({**display.consoles, 7: display.consoles[0]})

    viewer, sock = client
    meanwhile(come)
    await shared_consoles.admit_stream("viewer", 0, sock, ADMIN)
    await until(lambda: told(viewer)[:1] == [[0, 7]])
    assert all(indexes == [0, 7] for indexes in told(viewer))  # again where one's size has become known


def told(viewer: StreamClient) -> list[list[int]]:
    """The consoles of each list of them that the viewer got."""
    lists = [message[1:] for _, message in viewer.received if message[0] == display_messages.CONSOLES]
    return [[console["index"] for console in json.loads(text)["consoles"]] for text in lists]


async def test_a_viewer_that_goes_meanwhile_is_not_admitted(
    shared_consoles: SharedConsoles, client: tuple[StreamClient, socket.socket], meanwhile: Meanwhile
) -> None:
    viewer, sock = client
    meanwhile(lambda: shared_consoles.dismiss("viewer"))
    with pytest.raises(NegotiationError):
        await shared_consoles.admit_stream("viewer", 0, sock, ADMIN)
    await soon(viewer.ended.wait())


async def test_a_stream_to_a_console_that_is_not_there_is_closed(
    shared_consoles: SharedConsoles, client: tuple[StreamClient, socket.socket]
) -> None:
    viewer, sock = client
    with pytest.raises(NoConsole):
        await shared_consoles.admit_stream("viewer", 7, sock, ADMIN)
    await soon(viewer.ended.wait())
    assert not await shared_consoles.dismiss("viewer")
