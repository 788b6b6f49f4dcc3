"""Which addresses are gathered, hidden addresses, and how far away a peer is."""

import asyncio
import copy
import re
import time

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.media.aiortc_ext.ice import round_trip_s, set_host_addresses
from libvirt_webrtc.media.aiortc_ext.negotiation import adapt_offer


async def test_host_candidates_are_the_named_addresses() -> None:
    set_host_addresses(["127.0.0.1", "::1"])
    assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == ["127.0.0.1", "::1"]
    assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False) == ["127.0.0.1"]
    set_host_addresses([])
    assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == []
    set_host_addresses(None)
    assert "127.0.0.1" not in aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True)


def test_host_name_is_no_address() -> None:
    with pytest.raises(ConfigError):
        set_host_addresses(["localhost"])


async def test_viewer_whose_addresses_are_hidden_behind_unresolvable_names_connects() -> None:
    client, server = RTCPeerConnection(RTCConfiguration([])), RTCPeerConnection(RTCConfiguration([]))
    client.createDataChannel("input")
    await client.setLocalDescription(await client.createOffer())
    hidden = re.sub(r"(a=candidate:\S+ 1 udp \d+) \S+", r"\1 nowhere.local", client.localDescription.sdp)
    assert "nowhere.local" in hidden and "a=end-of-candidates" in hidden

    opened = asyncio.Event()
    server.on("datachannel", lambda channel: opened.set())
    offer = adapt_offer(hidden)
    assert "a=candidate" not in offer and "a=ice-ufrag" in offer
    await server.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await server.setLocalDescription(await server.createAnswer())
    await client.setRemoteDescription(server.localDescription)
    async with asyncio.timeout(30):
        await opened.wait()
    await client.close()
    await server.close()


async def test_checks_of_a_peer_elsewhere_are_timed() -> None:
    set_host_addresses(["127.0.0.1"])
    near, far = (aioice.ice.Connection(ice_controlling=controlling) for controlling in (True, False))
    await asyncio.gather(near.gather_candidates(), far.gather_candidates())
    for one, other in ((near, far), (far, near)):
        one.remote_username, one.remote_password = other.local_username, other.local_password
        for candidate in other.local_candidates:
            await one.add_remote_candidate(candidate)
        await one.add_remote_candidate(None)
    began = time.monotonic()
    await asyncio.gather(near.connect(), far.connect())
    pair = near._nominated[1]
    taken = vars(pair.protocol)["_console_round_trips"][pair.remote_addr]
    assert 0 < taken < time.monotonic() - began
    assert round_trip_s(pair) is None, "both are here"
    here, there = "192.0.2.7", pair.remote_addr[0]
    pair.protocol.local_candidate = copy.copy(pair.local_candidate)
    pair.protocol.local_candidate.host = here
    assert pair.local_addr[0] == here != there
    assert round_trip_s(pair) == taken
    await asyncio.gather(near.close(), far.close())
