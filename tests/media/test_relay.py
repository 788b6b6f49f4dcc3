"""A viewer that is reached by a relay only, over coturn."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aioice import stun, turn
from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy

from libvirt_webrtc.config.ice_secret import LIFETIME_S, ephemeral_credentials
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.media import helpers
from tests.media.helpers import picture, show, until, watching
from tests.support.turn import make_certificate, turn_server

SECRET = "of-this-test-alone"
ENDS_AFTER_S = 8
"""From here on the credentials of one test are worth nothing for a new relay."""
RELAY_LASTS_S = 4
"""Unless it is refreshed, which happens after five sixths of that."""

WAYS = {
    "udp": ("127.0.0.1", "turn:127.0.0.1:{}?transport=udp"),
    "tcp": ("127.0.0.1", "turn:127.0.0.1:{}?transport=tcp"),
    "tls": ("127.0.0.1", "turns:127.0.0.1:{}"),
    "udp by IPv6": ("::1", "turn:[::1]:{}"),
    "tls by IPv6": ("::1", "turns:[::1]:{}?transport=tcp"),
}


@pytest.fixture(params=[(way, LIFETIME_S) for way in WAYS], ids=lambda param: param[0])
def relayed(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Both peers know one way only: the relay, which they reach by each of WAYS."""
    way, ends_after_s = request.param
    host, url = WAYS[way]
    certificate = make_certificate(tmp_path, host)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with turn_server(
        tmp_path, secret=SECRET, max_lifetime_s=RELAY_LASTS_S, host=host, certificate=certificate
    ) as port:
        user = ephemeral_credentials(SECRET, time.time() - LIFETIME_S + ends_after_s)
        server = RTCIceServer(url.format(port), *user)

        def configuration(iceServers: list[RTCIceServer]) -> RTCConfiguration:
            return RTCConfiguration([server], iceTransportPolicy=RTCIceTransportPolicy.RELAY)

        monkeypatch.setattr(helpers, "RTCConfiguration", configuration)
        yield


@pytest.fixture
def framebuffer() -> Framebuffer:
    framebuffer = Framebuffer()
    # A keyframe of many packets.
    show(framebuffer, picture(800, 600))
    return framebuffer


async def test_relayed_viewer_sees_the_picture_and_its_changes(
    relayed: None, framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    async with watching(video) as viewer:
        connection = viewer.server.getSenders()[0].transport.transport._connection
        await until(lambda: viewer.shows(framebuffer.pixels))
        assert {pair.local_candidate.type for pair in connection._nominated.values()} == {"relay"}
        for seed in range(1, 4):
            show(framebuffer, picture(800, 600, seed=seed))
            await until(lambda: viewer.shows(framebuffer.pixels))


@pytest.mark.parametrize("relayed", [("udp", ENDS_AFTER_S)], indirect=True)
async def test_credentials_that_have_ended_end_no_relay(
    relayed: None, framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    """coturn looks at the time when a relay is made, and not when it is refreshed or told of another peer."""
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        # Refreshed twice, once of it after the end.
        await asyncio.sleep(ENDS_AFTER_S + RELAY_LASTS_S)
        show(framebuffer, picture(800, 600, seed=1))
        await until(lambda: viewer.shows(framebuffer.pixels))
        (pair,) = viewer.server.getSenders()[0].transport.transport._connection._nominated.values()
        relay: Any = pair.protocol.transport
        client = relay._TurnTransport__inner_protocol
        with pytest.raises(stun.TransactionFailed):
            await turn.create_turn_endpoint(
                asyncio.DatagramProtocol, client.server, client.username, client.password
            )


async def test_relay_that_takes_nothing_more_is_waited_for(
    relayed: None, framebuffer: Framebuffer, video: ConsoleVideo
) -> None:
    """Over TCP what a slow relay does not take would pile up here."""
    async with watching(video) as viewer:
        await until(lambda: viewer.shows(framebuffer.pixels))
        (pair,) = viewer.server.getSenders()[0].transport.transport._connection._nominated.values()
        relay: Any = pair.protocol.transport
        inner = relay._TurnTransport__inner_protocol.transport
        stuck = True
        size = inner.get_write_buffer_size
        inner.get_write_buffer_size = lambda: 1 if stuck else size()
        seen = len(viewer.frames)
        show(framebuffer, picture(800, 600, seed=1))
        await asyncio.sleep(0.3)
        assert len(viewer.frames) <= seen + 1
        stuck = False
        await until(lambda: viewer.shows(framebuffer.pixels))
