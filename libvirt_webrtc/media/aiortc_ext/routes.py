"""Which address of this host's reaches another: what the kernel's routes say."""

import logging
import os
import socket
import struct
from ipaddress import ip_address

log = logging.getLogger(__name__)

_HEADER = struct.Struct("=IHHII")
"""``struct nlmsghdr`` (``linux/netlink.h``): length, type, flags, sequence, port."""
_ROUTE = struct.Struct("=BBBBBBBBI")
"""``struct rtmsg`` (``linux/rtnetlink.h``); the second byte is the length of the destination's prefix."""
_ATTRIBUTE = struct.Struct("=HH")
_NEW_ROUTE, _GET_ROUTE = 24, 26
_REQUEST = 1
_DESTINATION, _PREFERRED_SOURCE = 1, 7


def source_address(destination: str) -> str | None:
    """The address that datagrams to ``destination`` leave this host from; None where no route leads there, or the
    kernel does not tell.

    Asked by netlink (RTM_GETROUTE): to connect a UDP socket tells as much, and opens a port of the kernel's choice.
    """
    packed = ip_address(destination).packed
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(packed), _DESTINATION) + packed
    route = _ROUTE.pack(family, 8 * len(packed), 0, 0, 0, 0, 0, 0, 0)
    length = _HEADER.size + len(route) + len(attribute)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
            # The kernel answers while it takes the request.
            kernel.sendto(_HEADER.pack(length, _GET_ROUTE, _REQUEST, 1, 0) + route + attribute, (0, 0))
            answer = kernel.recv(os.sysconf("SC_PAGE_SIZE"), socket.MSG_DONTWAIT)
    except OSError as error:
        log.debug("no route to %s can be asked for: %s", destination, error)
        return None
    if _HEADER.unpack_from(answer)[1] != _NEW_ROUTE:
        return None
    source = _attributes(answer[_HEADER.size + _ROUTE.size :]).get(_PREFERRED_SOURCE)
    return None if source is None else str(ip_address(source))


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = data[_ATTRIBUTE.size : length]
        data = data[(length + 3) & ~3 :]
    return found
