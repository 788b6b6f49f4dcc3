"""How little of this host's traffic a viewer can send to addresses of its choice."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import aioice.ice
import pytest
from aioice import stun
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from libvirt_webrtc.media.aiortc_ext import patches
from libvirt_webrtc.media.aiortc_ext.ice import set_host_addresses
from libvirt_webrtc.media.aiortc_ext.negotiation import adapt_offer
from libvirt_webrtc.media.aiortc_ext.remote_candidates import (
    CHECK_RETRANSMISSIONS,
    MAX_CHECKED,
    MAX_PAIRS,
    limit_candidates,
)
from tests.media.helpers import soon, until


def line(host: str = "192.0.2.1", port: int = 5000, *, kind: str = "host", middle: str = "1 udp") -> str:
    return f"a=candidate:1 {middle} 1 {host} {port} typ {kind}\r\n"


@pytest.mark.parametrize(
    "candidate",
    [
        line(),
        line("2001:db8::1"),
        line("10.0.0.1"),
        line(port=443),
        line(port=65535),
        line(kind="relay"),
        line(middle="1 UDP"),
    ],
)
def test_what_may_be_a_viewers_address_stays(candidate: str) -> None:
    assert limit_candidates(f"v=0\r\n{candidate}a=mid:0\r\n") == f"v=0\r\n{candidate}a=mid:0\r\n"


@pytest.mark.parametrize(
    "candidate",
    [
        *map(line, ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "::ffff:0.0.0.0")),
        *map(line, ("169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.1.1")),
        *map(line, ("224.0.0.251", "ff02::fb", "255.255.255.255", "::ffff:224.0.0.251")),
        *map(line, ("1f2d.local", "1f2d.LOCAL", "localhost", "example.org", "2130706433", "0177.0.0.1")),
        *(line(port=port) for port in (0, 22, 53, 1023, 65536, 99999, -1)),
        line(middle="1 tcp"),
        line(middle="2 udp"),
        line("1f2d.local").replace(" ", "\t"),
    ],
)
def test_what_is_no_viewers_address_goes(candidate: str) -> None:
    assert limit_candidates(f"v=0\r\n{candidate}a=mid:0\r\n") == "v=0\r\na=mid:0\r\n"


def test_of_too_many_those_stay_that_need_a_check_of_ours() -> None:
    hosts = [line(f"10.0.0.{number}") for number in range(1, 40)]
    mapped, relayed = line("192.0.2.7", kind="srflx"), line("192.0.2.8", kind="relay")
    assert limit_candidates("".join((*hosts, mapped, relayed))) == "".join(
        (*hosts[: MAX_CHECKED - 2], mapped, relayed)
    )


def test_what_is_no_candidate_stays_to_be_refused() -> None:
    assert limit_candidates("a=candidate:x y z\r\n") == "a=candidate:x y z\r\n"


@pytest.fixture
async def server() -> AsyncIterator[RTCPeerConnection]:
    patches.install()
    set_host_addresses(["127.0.0.1"])
    made = RTCPeerConnection(RTCConfiguration([]))
    yield made
    await made.close()
    set_host_addresses(None)


async def offer() -> str:
    client = RTCPeerConnection(RTCConfiguration([]))
    client.createDataChannel("input")
    await client.setLocalDescription(await client.createOffer())
    sdp = str(client.localDescription.sdp)
    await client.close()
    return sdp


async def answer(server: RTCPeerConnection, sdp: str) -> Any:
    """Have an offer answered; the ICE connection."""
    await server.setRemoteDescription(RTCSessionDescription(adapt_offer(sdp), "offer"))
    await server.setLocalDescription(await server.createAnswer())
    assert server.sctp is not None
    return server.sctp.transport.transport._connection


async def test_sixty_candidates_make_few_datagrams(
    server: RTCPeerConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: Counter[tuple[str, int]] = Counter()
    monkeypatch.setattr(aioice.ice.StunProtocol, "send_stun", lambda self, message, addr: sent.update([addr]))
    monkeypatch.setattr(stun, "RETRY_RTO", 0.01)
    named = "".join(line(f"192.0.2.{number}") for number in range(1, 61))
    connection = await answer(server, await offer() + named)
    done = (aioice.ice.CandidatePair.State.SUCCEEDED, aioice.ice.CandidatePair.State.FAILED)
    await until(lambda: connection._check_list and all(p.state in done for p in connection._check_list))
    assert len(sent) == MAX_CHECKED
    assert set(sent.values()) == {1 + CHECK_RETRANSMISSIONS}


def check(connection: Any) -> bytes:
    """One of the viewer's own checks, signed."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{connection.local_username}:{connection.remote_username}"
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLING"] = 1
    request.add_message_integrity(connection.local_password.encode())
    return bytes(request)


async def test_checks_from_ever_more_addresses_are_heard_up_to_a_limit(server: RTCPeerConnection) -> None:
    connection = await answer(server, await offer())
    ours = connection._protocols[0].transport.get_extra_info("sockname")
    loop = asyncio.get_running_loop()
    await until(lambda: connection._early_checks_done)

    async def is_answered(sock: socket.socket) -> bool:
        sock.send(sent := check(connection))
        try:
            async with asyncio.timeout(0.5):
                while True:
                    # The header's end is the number of the request.
                    if (await loop.sock_recv(sock, 2048))[8:20] == sent[8:20]:
                        return True
        except TimeoutError:
            return False

    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) for _ in range(110)]
    try:
        for number, sock in enumerate(sockets):
            sock.connect(ours)
            if number < MAX_PAIRS:
                sock.send(check(connection))
        await until(lambda: len(connection._check_list) == MAX_PAIRS)
        assert await soon(is_answered(sockets[0])), "an address that is known"
        for sock in sockets[MAX_PAIRS:]:
            sock.send(check(connection))
        assert not await soon(is_answered(sockets[-1]))
        assert len(connection._check_list) == MAX_PAIRS
    finally:
        for sock in sockets:
            sock.close()
