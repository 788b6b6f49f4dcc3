"""Who a client's address counts as, where something is bounded for each client."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from aiohttp import web

LOOPBACK = "this machine"
"""What all loopback addresses count as: a process here can use any of the 16 million."""


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


def remote_of(request: web.BaseRequest) -> str:
    """The address of the client that sent a request; empty where there is none, as on a Unix socket."""
    return request.remote or ""
