"""Our own candidates: at the addresses that are to be offered, and at STUN and TURN servers, in a bounded time.

aioice asks the first STUN server and the first TURN URL only, from every address of this host, ``127.0.0.1`` included,
and waits 5 s for each answer. It offers addresses as this host has them. aiortc reads no URL with an IPv6 address.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from functools import partial
from ipaddress import ip_address
from typing import Any

import aioice.ice
from aioice import stun
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import StunProtocol, TransportPolicy
from aioice.turn import TurnClientMixin
from aiortc import RTCIceGatherer, RTCIceServer, RTCIceTransportPolicy

from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.config.ice_url import Target
from libvirt_webrtc.errors import NoPortLeft
from libvirt_webrtc.media.aiortc_ext.ice import offered_addresses
from libvirt_webrtc.media.aiortc_ext.inquiry import Inquiry, OtherNetwork, Server
from libvirt_webrtc.media.aiortc_ext.names import addresses
from libvirt_webrtc.media.aiortc_ext.patching import replace
from libvirt_webrtc.media.aiortc_ext.sockets import open_socket

log = logging.getLogger(__name__)

LATER_S = 0.3
"""How long STUN servers are still waited for once there is a relay, and a relay once others can reach this host without
one, in seconds."""

GIVE_BACK_S = 1.0
"""Two tries, half a second apart. Less than the supervisor waits for a worker to end (WORKER_END_S)."""


def gather_from_all_servers() -> None:
    """Ask all servers that a connection is given, each kind in turn, for :attr:`Inquiry.limit_s` at most.

    URLs are read as :meth:`Target.parse` reads them, which raises ConfigError. Those that are for browsers only are
    passed over. STUN servers are asked from each address that others can reach. Of relays there is one: the first that
    a TURN server gives.
    """

    def init(
        self: Any,
        iceServers: list[RTCIceServer] | None = None,
        iceTransportPolicy: RTCIceTransportPolicy = RTCIceTransportPolicy.ALL,
        local_username: str | None = None,
        local_password: str | None = None,
    ) -> None:
        make(self, [], iceTransportPolicy, local_username, local_password)
        self._connection._console_servers = _servers(iceServers or ())

    def get_component_candidates(
        self: Any, component: int, addresses: list[str], timeout: int = 5
    ) -> Awaitable[list[Candidate]]:
        return _gather(self, component, addresses)

    make = replace(RTCIceGatherer, "__init__", init)
    replace(aioice.ice.Connection, "get_component_candidates", get_component_candidates)


def give_relays_back_in_time() -> None:
    """Wait GIVE_BACK_S at most for a TURN server to take a relay back: aioice waits 64 s, and the viewer's end with it.

    The server gives it up by itself then, within ten minutes.
    """

    async def delete(self: Any) -> None:
        try:
            async with asyncio.timeout(GIVE_BACK_S):
                await give_back(self)
        except TimeoutError:
            log.info("a relay was not taken back within %g s", GIVE_BACK_S)

    give_back = replace(TurnClientMixin, "delete", delete)


async def _gather(connection: Any, component: int, addresses: Sequence[str]) -> list[Candidate]:
    """All candidates. Raises NoPortLeft where there is none because every port is taken."""
    try:
        own, taken = await _host(connection, component, addresses), None
    except NoPortLeft as error:
        own, taken = [], error
    servers: list[Server] = vars(connection).get("_console_servers", [])
    reachable = asyncio.Event()
    if any(_is_public(candidate.host) for candidate in own):
        reachable.set()
    tasks = TaskSet()
    relaying = tasks.start(
        _relayed(connection, component, [server for server in servers if server.target.is_turn], reachable),
        name="ask TURN",
    )
    try:
        stun_servers = [server for server in servers if not server.target.is_turn]
        mapped = await _mapped(connection, component, stun_servers, relaying, reachable)
        relayed = await relaying
    finally:
        await tasks.close()
    if taken is not None and not relayed:
        raise taken
    offered = {(candidate.host, candidate.port) for candidate in own}
    return [*own, *(each for each in mapped if (each.host, each.port) not in offered), *relayed]


async def _host(connection: Any, component: int, addresses: Sequence[str]) -> list[Candidate]:
    """The candidates at our own addresses, as others see them. An address that has gone is passed over.

    Raises:
        NoPortLeft: at none of the addresses.
    """
    found: list[Candidate] = []
    taken: NoPortLeft | None = None
    seen_as = offered_addresses()
    for address in addresses:
        try:
            protocol = await open_socket(partial(StunProtocol, connection), address)
        except NoPortLeft as error:
            taken = error
            continue
        except OSError as error:
            log.info("no socket at %s: %s", address, error)
            continue
        port = protocol.transport.get_extra_info("sockname")[1]
        protocol.local_candidate = _host_candidate(component, address, port)
        connection._protocols.append(protocol)
        found += [_host_candidate(component, seen, port) for seen in seen_as.get(address, (address,))]
    if taken is not None and not found:
        raise taken
    return found


def _host_candidate(component: int, host: str, port: int) -> Candidate:
    return Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host"),
        host=host,
        port=port,
        type="host",
    )


def _servers(given: Iterable[RTCIceServer]) -> list[Server]:
    servers = []
    for server in given:
        for url in [server.urls] if isinstance(server.urls, str) else server.urls:
            target = Target.parse(url)
            if not target.is_for_browsers_only:
                servers.append(Server(target, server.username, server.credential))
    return servers


async def _mapped(
    connection: Any,
    component: int,
    servers: Sequence[Server],
    relaying: asyncio.Task[list[Candidate]],
    reachable: asyncio.Event,
) -> list[Candidate]:
    """The addresses that STUN servers see this host at.

    Once one address has its answer, the others have as long again: an address that reaches nobody, such as that of a
    bridge between guests, is not waited for. Once there is a relay, they have LATER_S: who reaches this host at a
    mapped address reaches the relay. ``reachable`` is set with the first answer.
    """
    asking = [
        protocol
        for protocol in connection._protocols
        if protocol.local_candidate.component == component and _is_reachable(protocol.local_candidate.host)
    ]
    if not servers or not asking:
        return []
    inquiry = Inquiry(servers)
    tasks = TaskSet()
    waiting = {tasks.start(inquiry.first(partial(_map, protocol)), name="ask STUN") for protocol in asking}
    found: list[Candidate] = []
    clock = asyncio.get_running_loop().time
    began = clock()
    end = full = began + inquiry.limit_s
    others: set[asyncio.Task[list[Candidate]]] = {relaying}
    try:
        while waiting and (left := end - clock()) > 0:
            done, _ = await asyncio.wait(waiting | others, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            new = [candidate for task in waiting & done if (candidate := task.result()) is not None]
            if new and not found:
                end = min(end, 2 * clock() - began)
                reachable.set()
            if relaying in done and others and relaying.result():
                end = min(end, clock() + LATER_S)
            waiting, others = waiting - done, others - done
            found += new
    finally:
        await tasks.close()
    inquiry.conclude(cut_short=end < full)
    return found


async def _map(protocol: StunProtocol, server: Server) -> Candidate:
    """One address of this host, as one STUN server sees it (RFC 8445, 5.1.1.2)."""
    own = protocol.local_candidate
    address = await _resolve(server.target, ip_address(own.host).version)
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    response, _ = await protocol.request(request, address)
    host, port = response.attributes["XOR-MAPPED-ADDRESS"]
    return Candidate(
        foundation=candidate_foundation("srflx", "udp", own.host),
        component=own.component,
        transport="udp",
        priority=candidate_priority(own.component, "srflx"),
        host=host,
        port=port,
        type="srflx",
        related_address=own.host,
        related_port=own.port,
    )


async def _relayed(
    connection: Any, component: int, servers: Sequence[Server], reachable: asyncio.Event
) -> list[Candidate]:
    """An address at a TURN server, which is waited for LATER_S at most once this host is ``reachable`` otherwise.

    UDP leaves this host then, and a viewer who needs a relay has one, too: the browser asks the same servers.
    """
    if not servers:
        return []
    inquiry = Inquiry(servers)
    tasks = TaskSet()
    asking = tasks.start(inquiry.first(partial(_allocate, connection, component)), name="ask for a relay")
    enough = tasks.start(reachable.wait(), name="reachable without a relay")
    clock = asyncio.get_running_loop().time
    full = clock() + inquiry.limit_s
    try:
        await asyncio.wait({asking, enough}, timeout=inquiry.limit_s, return_when=asyncio.FIRST_COMPLETED)
        if connection._transport_policy is TransportPolicy.RELAY or not enough.done():
            end = full
        else:
            end = min(full, clock() + LATER_S)
        await asyncio.wait({asking}, timeout=max(0.0, end - clock()))
        found = asking.result() if asking.done() else None
    finally:
        await tasks.close()
    inquiry.conclude(cut_short=end < full)
    if found is None:
        return []
    candidate, protocol = found
    connection._protocols.append(protocol)
    return [candidate]


async def _allocate(connection: Any, component: int, server: Server) -> tuple[Candidate, StunProtocol]:
    target = server.target
    return await aioice.ice.relayed_candidate(
        component=component,
        hide_related_address=connection._transport_policy is TransportPolicy.RELAY,
        protocol_factory=lambda: StunProtocol(connection),
        turn_server=(target.host, target.port),
        turn_username=server.username,
        turn_password=server.credential,
        turn_ssl=target.scheme == "turns",
        turn_transport=target.transport,
    )


async def _resolve(target: Target, version: int) -> tuple[str, int]:
    """An address of the server in the IP version that is asked from.

    Raises:
        OtherNetwork: it has none.
        OSError: its name cannot be resolved.
    """
    for host in await addresses(target.host):
        if ip_address(host).version == version:
            return host, target.port
    raise OtherNetwork


def _is_public(host: str) -> bool:
    """Whether viewers everywhere reach this address. In IPv6 most hosts have such a one, and not all viewers."""
    address = ip_address(host)
    return address.version == 4 and address.is_global


def _is_reachable(host: str) -> bool:
    """Whether others may see a datagram from this address of ours."""
    address = ip_address(host)
    return not (address.is_loopback or address.is_link_local)
