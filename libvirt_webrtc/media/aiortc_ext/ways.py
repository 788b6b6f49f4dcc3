"""Which ways a connection of ours has tried, and which one it took."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

from aioice.candidate import Candidate
from aioice.ice import CandidatePair
from aiortc import RTCPeerConnection

_COMPONENT = 1


class WayOutcome(StrEnum):
    """What came of a way, in words."""

    TAKEN = "taken"
    WORKS = "would do as well"
    FAILED = "no answer"
    OPEN = "not answered before"
    UNTRIED = "not tried"


_OUTCOMES = {
    CandidatePair.State.SUCCEEDED: WayOutcome.WORKS,
    CandidatePair.State.FAILED: WayOutcome.FAILED,
    CandidatePair.State.IN_PROGRESS: WayOutcome.OPEN,
}


@dataclass(frozen=True, slots=True)
class Way:
    """From an address of ours to one of the peer's."""

    own: str
    """With its port."""
    own_kind: str
    """``host`` or ``relay``: what is sent from."""
    peer: str
    peer_kind: str
    """As ICE names it: ``host``, ``srflx``, ``prflx`` or ``relay``."""
    family: str
    """``IPv4`` or ``IPv6``."""
    outcome: WayOutcome


def ways(connection: RTCPeerConnection) -> list[Way]:
    """The ways of a connection's first transport: that which was taken first, if any, then the others."""
    transport: Any = connection.getReceivers()[0].transport.transport
    ice = transport._connection
    taken = ice._nominated.get(_COMPONENT)
    pairs = ice._check_list
    found = [
        _way(pair, WayOutcome.TAKEN if pair is taken else _OUTCOMES.get(pair.state, WayOutcome.UNTRIED))
        for pair in pairs
    ]
    # Once a pair is chosen, aioice forgets those that it has not checked.
    known = [(pair.local_candidate, pair.remote_candidate) for pair in pairs]
    found += [
        _way(CandidatePair(protocol, peer), WayOutcome.UNTRIED)
        for protocol in ice._protocols
        for peer in ice._remote_candidates
        if protocol.local_candidate.can_pair_with(peer) and (protocol.local_candidate, peer) not in known
    ]
    return sorted(found, key=lambda way: way.outcome is not WayOutcome.TAKEN)


def _way(pair: CandidatePair, outcome: WayOutcome) -> Way:
    own, peer = pair.local_candidate, pair.remote_candidate
    return Way(
        _place(own),
        own.type,
        _place(peer),
        peer.type,
        f"IPv{ip_address(peer.host).version}",
        outcome,
    )


def _place(candidate: Candidate) -> str:
    host = f"[{candidate.host}]" if ":" in candidate.host else candidate.host
    return f"{host}:{candidate.port}"
