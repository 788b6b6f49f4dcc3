"""Where a request comes from, and under which of our addresses: what a reverse proxy in front says included."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

from aiohttp import web
from yarl import URL

from libvirt_webrtc.config.networks import Network, is_among

LOOPBACK = "this machine"
"""What all loopback addresses count as: a process here can use any of the 16 million."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a request came: from whom, and under which address of ours."""

    remote: str
    """The client's address; behind a proxy that is trusted, the one that it names. Empty: there is none."""
    origin: str
    """Scheme, host and port as the browser has them, and as its ``Origin`` says them."""
    path: str = "/"
    """What is in front of our paths there; begins and ends with a slash."""

    @property
    def secure(self) -> bool:
        """Whether the browser speaks HTTPS, with us or with the proxy."""
        return self.origin.startswith("https:")

    @property
    def base(self) -> str:
        """The whole address that everything of ours is below; ends with a slash."""
        return self.origin + self.path

    @property
    def port(self) -> int | None:
        """The port in the address; None where the browser leaves it out."""
        return URL(self.origin).explicit_port


_ARRIVAL = web.RequestKey("arrival", Arrival)


def set_arrival(request: web.Request, arrival: Arrival) -> None:
    """Note how a request came. The first thing that happens to it."""
    request[_ARRIVAL] = arrival


def arrival_of(request: web.Request) -> Arrival:
    """How a request came, whose ``Host`` was found to be ours."""
    return request[_ARRIVAL]


def folder_of(request: web.Request) -> str:
    """The portal's folder at the address by which a request came; ``/`` where that is not known."""
    arrival = request.get(_ARRIVAL)
    return "/" if arrival is None else arrival.path


def remote_of(request: web.Request) -> str:
    """The address of the client that sent a request, behind a trusted proxy too; empty where there is none."""
    arrival = request.get(_ARRIVAL)
    return peer_of(request) if arrival is None else arrival.remote


def peer_of(request: web.BaseRequest) -> str:
    """The address at the other end of the connection, a proxy's too; empty where there is none.

    Of IPv4 in its own form, also where a socket for both versions names it as ``::ffff:192.0.2.1``.
    """
    peer = request.remote or ""
    try:
        mapped = getattr(ip_address(peer), "ipv4_mapped", None)
    except ValueError:
        return peer
    return peer if mapped is None else str(mapped)


def forwarded_client(peer: str, hops: Iterable[str], trusted: Collection[Network]) -> str | None:
    """The client of a request that came from the proxy ``peer``, by the ``X-Forwarded-For`` headers of proxies.

    Each proxy adds the address that it heard from, at the right. So the client is the first from the right that is no
    trusted proxy. What that one, or anybody before it, wrote to the left of it counts for nothing. None: ``peer`` names
    no address.
    """
    addresses = [address for hop in hops for address in hop.split(",")]
    client, hop = None, peer
    while addresses and is_among(hop, trusted) and (address := _address(addresses.pop())) is not None:
        client = hop = address
    return client


def client_of(address: str | None) -> str:
    """The client that an address belongs to; equal texts are one client.

    All loopback addresses are one client, and so are all IPv6 addresses of one /64 network, of which a single host has
    as many as it likes. What is no IP address stands for itself.
    """
    try:
        ip = ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return LOOPBACK
    if isinstance(ip, IPv6Address):
        return str(IPv6Network((int(ip), 64), strict=False))
    return str(ip)


def _address(text: str) -> str | None:
    """The address of one hop, which some proxies write with a port; None where it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return None
