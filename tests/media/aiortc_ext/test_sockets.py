"""Which UDP ports are used, and what our addresses are offered as."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aioice.candidate import Candidate
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection

from libvirt_webrtc.config.ice_ports import PortRange
from libvirt_webrtc.errors import NoPortLeft
from libvirt_webrtc.media.aiortc_ext import ice, inquiry, patches
from libvirt_webrtc.media.aiortc_ext.ice import offer_loopback, set_host_addresses
from libvirt_webrtc.media.aiortc_ext.routes import source_address
from libvirt_webrtc.media.aiortc_ext.sockets import keep_to_ports
from tests.media.helpers import soon
from tests.support.stun_server import RELAYED, stun_server
from tests.support.turn import make_certificate
from tests.support.udp_ports import udp_ports

HERE, BESIDE = "127.0.0.1", "127.0.0.2"
OUTSIDE = "203.0.113.7"
FIRST = 51100


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    patches.install()
    inquiry.forget_faults()
    set_host_addresses([HERE])
    yield
    set_host_addresses(None)
    keep_to_ports(None)


@asynccontextmanager
async def gathered(*urls: str) -> AsyncIterator[list[Candidate]]:
    """The candidates of a connection, for as long as it is open."""
    servers = [RTCIceServer(list(urls), "user", "secret")] if urls else []
    connection = RTCPeerConnection(RTCConfiguration(servers))
    try:
        connection.createDataChannel("input")
        await soon(connection.setLocalDescription(await connection.createOffer()))
        assert connection.sctp is not None
        yield list(connection.sctp.transport.transport._connection.local_candidates)
    finally:
        await soon(connection.close())


def places(candidates: list[Candidate]) -> list[tuple[str, int]]:
    return [(each.host, each.port) for each in candidates]


async def test_each_address_has_each_port_once() -> None:
    set_host_addresses([HERE, BESIDE])
    keep_to_ports(PortRange(FIRST, FIRST))
    async with gathered() as candidates:
        assert places(candidates) == [(HERE, FIRST), (BESIDE, FIRST)]
        with pytest.raises(NoPortLeft, match=f"all UDP ports of ice.ports \\({FIRST}\\) are taken at"):
            async with gathered():
                pass
    async with gathered() as candidates:
        assert (HERE, FIRST) in places(candidates), "it is free again"


async def test_a_range_is_used_up_whatever_the_order() -> None:
    keep_to_ports(PortRange(FIRST, FIRST + 3))
    seen = []
    async with gathered() as one, gathered() as two, gathered() as three, gathered() as four:
        seen = [port for each in (one, two, three, four) for _, port in places(each)]
        with pytest.raises(NoPortLeft):
            async with gathered():
                pass
    assert sorted(seen) == [FIRST, FIRST + 1, FIRST + 2, FIRST + 3]


async def test_turn_and_stun_servers_are_asked_from_the_range_too() -> None:
    keep_to_ports(PortRange(FIRST, FIRST + 9))
    set_host_addresses([BESIDE])
    async with stun_server() as (server, port), stun_server() as (silent, dead):
        silent.deaf_to = {"*"}
        async with gathered(f"turn:127.0.0.1:{dead}", f"turn:127.0.0.1:{port}") as candidates:
            assert RELAYED in places(candidates)
            opened = [each for each in udp_ports() if each not in (port, dead)]
            assert len(opened) == 2 and all(FIRST <= each <= FIRST + 9 for each in opened)
        assert server.freed


async def test_where_every_port_is_taken_no_server_is_blamed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    keep_to_ports(PortRange(FIRST, FIRST))
    async with stun_server() as (server, port), gathered():
        with pytest.raises(NoPortLeft):
            async with gathered(f"turn:127.0.0.1:{port}"):
                pass
        assert server.asked == []
    assert [message for message in caplog.messages if "gives this host nothing" in message] == []


async def test_an_address_that_a_router_maps_here_takes_the_place_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ice, "source_address", lambda _: HERE)
    set_host_addresses([OUTSIDE])
    async with gathered() as candidates:
        ((host, port),) = places(candidates)
        assert host == OUTSIDE and candidates[0].type == "host" and port in udp_ports()
    set_host_addresses([OUTSIDE, HERE])
    async with gathered() as candidates:
        (first, port), (second, same) = places(candidates)
        assert {first, second} == {OUTSIDE, HERE} and port == same
    set_host_addresses([OUTSIDE])
    offer_loopback()
    async with gathered() as candidates:
        assert {host for host, _ in places(candidates)} == {OUTSIDE, HERE}


async def test_an_address_to_which_no_route_leads_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ice, "source_address", lambda _: None)
    set_host_addresses([OUTSIDE, HERE])
    async with gathered() as candidates:
        assert [host for host, _ in places(candidates)] == [HERE]
    assert f"{OUTSIDE} of ice.addresses is not offered" in caplog.text


async def test_the_kernel_tells_the_address_on_the_way() -> None:
    assert source_address("127.0.0.1") == HERE and source_address("::1") == "::1"
    assert source_address("127.5.5.5") == HERE
    before = udp_ports()
    await asyncio.to_thread(source_address, "127.0.0.1")
    assert udp_ports() == before


@pytest.mark.parametrize("ports", [None, PortRange(FIRST, FIRST + 9)])
async def test_a_turn_servers_name_is_resolved_in_no_thread_that_the_end_waits_for(
    ports: PortRange | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemons = []

    def getaddrinfo(name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        daemons.append(threading.current_thread().daemon)
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (HERE, 0))]

    keep_to_ports(ports)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with stun_server() as (_, port), gathered(f"turn:turn.example.org:{port}") as candidates:
        assert RELAYED in places(candidates)
    assert daemons == [True]


async def test_a_turn_server_is_known_by_its_name_over_tls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names: list[str | None] = []
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (HERE, 0))]
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(tmp_path, HERE))
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    server = await asyncio.start_server(lambda _, writer: writer.close(), HERE, 0, ssl=context)
    async with server, gathered(f"turns:turn.example.org:{server.sockets[0].getsockname()[1]}") as candidates:
        assert {each.type for each in candidates} == {"host"}
    assert names == ["turn.example.org"]
