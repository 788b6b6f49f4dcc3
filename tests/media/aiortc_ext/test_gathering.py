"""Our candidates at STUN and TURN servers: which servers are asked, from where, and what is waited for.

Where something must not be waited for, the limit is an hour, which no test's deadline bears.
"""

import logging
from collections.abc import AsyncIterator, Sequence

import pytest
from aioice import stun
from aioice.candidate import Candidate
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection

from libvirt_webrtc.config.ice_url import Target
from libvirt_webrtc.media.aiortc_ext import gathering, inquiry, patches
from libvirt_webrtc.media.aiortc_ext.ice import set_host_addresses
from tests.media.helpers import soon
from tests.support.stun_server import MAPPED, RELAYED, StunServer, stun_server

HOUR_S = 3600.0
LOOPBACK, NEAR, BRIDGE = "127.0.0.1", "127.0.0.2", "127.0.0.3"
"""Of these tests' addresses the last two count as a network's; BRIDGE reaches no server."""


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    patches.install()
    inquiry.forget_faults()
    monkeypatch.setattr(inquiry, "ANSWER_S", HOUR_S)
    monkeypatch.setattr(inquiry, "SILENT_ANSWER_S", HOUR_S)
    monkeypatch.setattr(gathering, "_is_reachable", lambda host: host != LOOPBACK)


@pytest.fixture
async def server() -> AsyncIterator[tuple[StunServer, int]]:
    async with stun_server() as (made, port):
        made.through_nat = True
        yield made, port


@pytest.fixture
async def other() -> AsyncIterator[tuple[StunServer, int]]:
    async with stun_server() as (made, port):
        made.through_nat = True
        yield made, port


async def gather(*urls: str, addresses: Sequence[str] = (LOOPBACK, NEAR)) -> list[Candidate]:
    """The candidates of a connection that is given these URLs."""
    set_host_addresses(addresses)
    server = [RTCIceServer(list(urls), "user", "secret")]
    connection = RTCPeerConnection(RTCConfiguration(server))
    try:
        connection.createDataChannel("input")
        await soon(connection.setLocalDescription(await connection.createOffer()))
        assert connection.sctp is not None
        return list(connection.sctp.transport.transport._connection.local_candidates)
    finally:
        await soon(connection.close())
        set_host_addresses(None)


def places(candidates: Sequence[Candidate], kind: str) -> list[tuple[str, int]]:
    return [(each.host, each.port) for each in candidates if each.type == kind]


def bases(candidates: Sequence[Candidate]) -> set[str | None]:
    """The addresses of ours that a STUN server told about."""
    return {each.related_address for each in candidates if each.type == "srflx"}


async def test_a_stun_server_is_not_asked_from_loopback(server: tuple[StunServer, int]) -> None:
    server[0].deaf_to = {LOOPBACK}
    found = await gather(f"stun:127.0.0.1:{server[1]}")
    assert places(found, "srflx") == [MAPPED] and bases(found) == {NEAR}
    assert {host for host, _ in places(found, "host")} == {LOOPBACK, NEAR}
    assert LOOPBACK not in server[0].asked


async def test_where_there_is_only_loopback_no_server_is_asked(server: tuple[StunServer, int]) -> None:
    found = await gather(f"stun:127.0.0.1:{server[1]}", addresses=[LOOPBACK])
    assert len(found) == 1 and server[0].asked == []


async def test_an_address_that_reaches_no_server_is_not_waited_for(
    server: tuple[StunServer, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stun, "RETRY_RTO", HOUR_S)  # or the request would be given up after three tries
    server[0].deaf_to = {BRIDGE}
    found = await gather(f"stun:127.0.0.1:{server[1]}", addresses=[BRIDGE, NEAR])
    assert bases(found) == {NEAR} and BRIDGE in server[0].asked


async def test_an_address_that_is_not_translated_is_named_once(server: tuple[StunServer, int]) -> None:
    server[0].through_nat = False
    assert [each.type for each in await gather(f"stun:127.0.0.1:{server[1]}")] == ["host", "host"]


@pytest.mark.parametrize("kind", ["stun", "turn"])
async def test_the_next_server_is_asked_where_one_is_silent(
    kind: str, server: tuple[StunServer, int], other: tuple[StunServer, int]
) -> None:
    server[0].deaf_to = {"*"}
    found = await gather(f"{kind}:127.0.0.1:{server[1]}", f"{kind}:127.0.0.1:{other[1]}")
    assert places(found, "srflx" if kind == "stun" else "relay") == [MAPPED if kind == "stun" else RELAYED]


@pytest.mark.parametrize(
    "url", ["turn:127.0.0.1:10?transport=tcp", "turns:127.0.0.1:10", "turn:nowhere.invalid"]
)
async def test_the_next_turn_url_is_used_where_one_fails(
    url: str, server: tuple[StunServer, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inquiry, "NEXT_S", HOUR_S)
    found = await gather(url, f"turn:127.0.0.1:{server[1]}")
    assert places(found, "relay") == [RELAYED]


async def test_one_relay_is_enough(server: tuple[StunServer, int], other: tuple[StunServer, int]) -> None:
    found = await gather(f"turn:127.0.0.1:{server[1]}", f"turn:127.0.0.1:{other[1]}")
    assert places(found, "relay") == [RELAYED] and other[0].asked == []
    assert server[0].freed


async def test_a_server_that_has_become_silent_does_not_hold_up_the_end(
    server: tuple[StunServer, int],
) -> None:
    set_host_addresses([LOOPBACK])
    given = [RTCIceServer(f"turn:127.0.0.1:{server[1]}", "user", "secret")]
    connection = RTCPeerConnection(RTCConfiguration(given))
    connection.createDataChannel("input")
    await soon(connection.setLocalDescription(await connection.createOffer()))
    assert "typ relay" in connection.localDescription.sdp
    server[0].deaf_to = {"*"}
    await soon(connection.close())
    set_host_addresses(None)
    assert not server[0].freed


async def test_what_is_for_browsers_only_is_passed_over(server: tuple[StunServer, int]) -> None:
    only = f"turns:127.0.0.1:{server[1]}?transport=udp"
    assert places(await gather(only), "relay") == [] and server[0].asked == []
    assert places(await gather(only, f"turn:127.0.0.1:{server[1]}"), "relay") == [RELAYED]


async def test_a_silent_server_is_waited_for_once_and_named_once(
    server: tuple[StunServer, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=inquiry.__name__)
    server[0].deaf_to = {"*"}
    urls = (f"stun:127.0.0.1:{server[1]}", f"turn:127.0.0.1:{server[1]}?transport=udp")
    monkeypatch.setattr(inquiry, "ANSWER_S", 0.05)
    assert {each.type for each in await gather(*urls)} == {"host"}
    monkeypatch.setattr(inquiry, "ANSWER_S", HOUR_S)
    monkeypatch.setattr(inquiry, "SILENT_ANSWER_S", 0.05)
    assert {each.type for each in await gather(*urls)} == {"host"}
    assert sorted(caplog.messages) == [
        f"{url} gives this host nothing: it does not answer within 0.05 s" for url in urls
    ]
    caplog.clear()
    monkeypatch.setattr(inquiry, "SILENT_ANSWER_S", HOUR_S)
    server[0].deaf_to = set()
    assert {each.type for each in await gather(*urls)} == {"host", "srflx", "relay"}
    assert sorted(caplog.messages) == [f"{url} answers again" for url in urls]


async def test_a_server_that_was_silent_is_asked_after_the_others(
    server: tuple[StunServer, int], other: tuple[StunServer, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, url = (f"turn:127.0.0.1:{each[1]}?transport=udp" for each in (server, other))
    server[0].deaf_to = {"*"}
    with monkeypatch.context() as patch:
        patch.setattr(inquiry, "ANSWER_S", 0.05)
        await gather(silent)
    server[0].asked.clear()
    assert places(await gather(silent, url), "relay") == [RELAYED]
    assert server[0].asked == []


async def test_wrong_credentials_are_named(caplog: pytest.LogCaptureFixture) -> None:
    async with stun_server(password="another") as (_, port):
        assert {each.type for each in await gather(f"turn:127.0.0.1:{port}")} == {"host"}
    assert caplog.messages == [
        f"turn:127.0.0.1:{port}?transport=udp gives this host nothing: it refuses the credentials"
    ]


@pytest.mark.parametrize(
    ("host", "reason"), [("127.0.0.1", "does not answer"), ("::1", "no address that this host can ask")]
)
async def test_why_a_stun_server_gave_nothing_is_told_of_the_addresses_that_could_ask(
    host: str, reason: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(inquiry, "ANSWER_S", 0.05)
    async with stun_server(host=host) as (silent, port):
        silent.deaf_to = {"*"}
        named = f"[{host}]" if ":" in host else host
        await gather(f"stun:{named}:{port}", addresses=[NEAR] if ":" in host else ["::1", NEAR])
    (told,) = caplog.messages
    assert reason in told


@pytest.mark.parametrize("kind", ["stun", "turn"])
async def test_servers_with_ipv6_addresses_are_asked(kind: str) -> None:
    async with stun_server(host="::1") as (server, port):
        server.through_nat = True
        found = await gather(f"{kind}:[::1]:{port}", addresses=["::1"])
    assert places(found, "srflx" if kind == "stun" else "relay") == [MAPPED if kind == "stun" else RELAYED]


async def test_an_address_asks_a_server_of_its_own_ip_version(
    server: tuple[StunServer, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def both(host: str) -> list[str]:
        return ["::1", "127.0.0.1"] if host == "localhost" else [host]

    monkeypatch.setattr(gathering, "addresses", both)
    assert bases(await gather(f"stun:localhost:{server[1]}", addresses=[NEAR])) == {NEAR}
    found = await gather(
        f"stun:127.0.0.1:{server[1]}", f"stun:localhost:{server[1]}", addresses=["::1", NEAR]
    )
    assert bases(found) == {NEAR}
    assert Target.parse(f"stun:127.0.0.1:{server[1]}") not in inquiry._faults


async def test_a_server_that_another_outran_is_asked_after_it_for_a_while(
    server: tuple[StunServer, int], other: tuple[StunServer, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a silent first server costs one viewer its wait, not every one."""
    urls = [f"turn:127.0.0.1:{each[1]}" for each in (server, other)]
    server[0].deaf_to = {"*"}
    assert places(await gather(*urls), "relay") == [RELAYED]
    monkeypatch.setattr(inquiry, "NEXT_S", HOUR_S)
    server[0].asked.clear()
    for _ in range(2):
        assert places(await gather(*urls), "relay") == [RELAYED]
    assert server[0].asked == []
    server[0].deaf_to = set()
    monkeypatch.setattr(inquiry, "_slower", dict.fromkeys(inquiry._slower, 0.0))
    other[0].asked.clear()
    assert places(await gather(*urls), "relay") == [RELAYED]
    assert server[0].asked != [] and other[0].asked == []


async def test_once_there_is_a_relay_stun_servers_are_not_waited_for_long_nor_blamed(
    server: tuple[StunServer, int], other: tuple[StunServer, int], caplog: pytest.LogCaptureFixture
) -> None:
    other[0].deaf_to = {"*"}
    found = await gather(f"turn:127.0.0.1:{server[1]}", f"stun:127.0.0.1:{other[1]}")
    assert places(found, "relay") == [RELAYED] and places(found, "srflx") == []
    assert other[0].asked != [] and caplog.messages == []


@pytest.mark.parametrize("by", ["stun", "a public address"])
async def test_a_relay_is_not_waited_for_long_where_others_reach_this_host_nor_is_its_server_blamed(
    by: str,
    server: tuple[StunServer, int],
    other: tuple[StunServer, int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    other[0].deaf_to = {"*"}
    urls = [f"turn:127.0.0.1:{other[1]}"]
    if by == "stun":
        urls.append(f"stun:127.0.0.1:{server[1]}")
    else:
        monkeypatch.setattr(gathering, "offered_addresses", lambda: {NEAR: ("9.9.9.9",)})
    found = await gather(*urls)
    assert bases(found) == {NEAR} if by == "stun" else ("9.9.9.9" in {each.host for each in found})
    assert places(found, "relay") == [] and other[0].asked != [] and caplog.messages == []


async def test_a_relay_is_waited_for_where_there_are_only_private_addresses(
    server: tuple[StunServer, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A viewer from elsewhere has no other way, and it may take longer than LATER_S."""
    monkeypatch.setattr(gathering, "LATER_S", 0.0)
    assert places(await gather(f"turn:127.0.0.1:{server[1]}"), "relay") == [RELAYED]
