"""What this machine is called, and its addresses."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import ifaddr

from libvirt_webrtc.concurrency.threads import with_limit

RESOLVE_S = 2.0
"""How long the name service may take to tell the machine's full name."""

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\Z")


def machine_names() -> frozenset[str]:
    """The machine's host names, short and full, in lower case. Blocking, for ``RESOLVE_S`` at most."""
    name = socket.gethostname()
    try:
        full = with_limit(lambda: socket.getfqdn(name), RESOLVE_S)
    except (TimeoutError, OSError):
        full = name
    found = {each.lower().rstrip(".") for each in (name, name.partition(".")[0], full)}
    return frozenset(each for each in found if _HOST_NAME.match(each) and each != "localhost")


def machine_addresses() -> list[IPv4Address | IPv6Address]:
    """The addresses of the machine's interfaces by which others reach it, those of one link alone left out."""
    found = set()
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            address = ip_address(each.ip if isinstance(each.ip, str) else each.ip[0].partition("%")[0])
            if not (address.is_loopback or address.is_link_local or address.is_multicast):
                found.add(address)
    return sorted(found, key=lambda address: (address.version, int(address)))
