"""Offers that are refused, and what gathering our own candidates needs."""

import asyncio
import os
import re
from collections.abc import Callable

import pytest

from libvirt_webrtc.agent import limits
from libvirt_webrtc.config.ice import IceServer
from libvirt_webrtc.errors import GatheringError, NegotiationError
from tests.media.helpers import soon, until
from tests.worker.place import Place
from tests.worker.viewer_client import ViewerClient

REFUSED: dict[str, Callable[[str], str]] = {
    "not SDP": lambda sdp: "hello",
    "empty": lambda sdp: "",
    "cut line": lambda sdp: sdp.replace("a=mid:0", "a=mid"),
    "numbers that are none": lambda sdp: sdp.replace("a=rtpmap:", "a=rtpmap:x"),
    "no mux": lambda sdp: sdp.replace("a=rtcp-mux\r\n", ""),
    "no video": lambda sdp: "v=0\r\n",
    "cut": lambda sdp: sdp[: sdp.index("a=fingerprint")],
    "no ICE": lambda sdp: "\r\n".join(line for line in sdp.split("\r\n") if "a=ice-" not in line),
    "too many sections": lambda sdp: sdp + "m=video 9 UDP/TLS/RTP/SAVPF 99\r\n" * 5,
    "sections behind odd line ends": lambda sdp: sdp + "a=x\x0bm=video 9 UDP/TLS/RTP/SAVPF 99" * 5 + "\r\n",
    "too many candidates": lambda sdp: sdp + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 65,
    "odd candidate": lambda sdp: sdp + "a=candidate:x y z\r\n",
    "odd section name": lambda sdp: sdp.replace("a=mid:0", "a=mid:odd"),
    "no codec of ours": lambda sdp: sdp.replace("H264", "AV9").replace("VP8", "AV8"),
}


@pytest.mark.parametrize("why", REFUSED)
async def test_a_refused_offer_leaves_nothing(place: Place, viewer: ViewerClient, why: str) -> None:
    offer = await viewer.offer()
    before = len(os.listdir("/proc/self/fd"))
    connection = place.connection()
    with pytest.raises(NegotiationError) as refused:
        await soon(connection.answer(REFUSED[why](offer)))
    assert "offer" in str(refused.value)
    assert not re.search(r"Error|StopIteration|NoneType|[\[('\"]\)", str(refused.value)), (
        "a sentence, not Python's repr"
    )
    await until(lambda: place.closed == [connection.viewer.name])
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)


@pytest.mark.parametrize("url", ["turn:", "stun:", "turn:host:port", "stun:h?transport=udp"])
async def test_a_bad_ice_server_refuses_the_offer(place: Place, viewer: ViewerClient, url: str) -> None:
    connection = place.connection(IceServer((url,), "u", "c"))
    with pytest.raises(NegotiationError):
        await soon(connection.answer(await viewer.offer()))
    await until(lambda: place.closed == [connection.viewer.name])


async def test_a_turn_server_that_is_not_there_costs_only_its_candidates(
    place: Place, viewer: ViewerClient
) -> None:
    connection = place.connection(IceServer(("turn:127.0.0.1:10?transport=tcp",), "u", "c"))
    assert "typ host" in await soon(connection.answer(await viewer.offer()))


async def test_gathering_that_takes_too_long_refuses_the_offer(
    place: Place, viewer: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The TURN server is silent; it is given up after 2 s, and only then can the sockets be closed."""
    monkeypatch.setattr(limits, "GATHER_S", 0.2)
    silent, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    port = silent.get_extra_info("sockname")[1]
    connection = place.connection(IceServer((f"turn:127.0.0.1:{port}",), "u", "c"))
    with pytest.raises(GatheringError, match="TURN server"):
        await soon(connection.answer(await viewer.offer()))
    assert place.closed == []
    await soon(connection.close())
    silent.close()
    assert place.closed == [connection.viewer.name]
