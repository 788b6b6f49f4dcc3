"""Resolves the names of servers in a way that a resolver which hangs holds up nothing else."""

import asyncio
import socket
from functools import partial
from ipaddress import ip_address

from libvirt_webrtc.concurrency.tasks import TaskSet
from libvirt_webrtc.concurrency.threads import in_thread

# What goes wrong is told to whoever waits.
_tasks = TaskSet(expected=(Exception,))
_lookups: dict[str, asyncio.Task[list[str]]] = {}
"""Those that go on, by name."""


async def addresses(host: str) -> list[str]:
    """The IP addresses of a server, of both versions; an address is its own.

    May be cancelled: the lookup goes on for whoever asks next, so there is one thread for each name at most. It is not
    one of asyncio's own, for which the process's end would wait.

    Raises:
        OSError: its name cannot be resolved.
    """
    if _is_address(host):
        return [host]
    lookup = _lookups.get(host)
    if lookup is None:
        lookup = _lookups[host] = _tasks.start(in_thread(partial(_look_up, host)), name=f"look up {host}")
        lookup.add_done_callback(lambda _: _lookups.pop(host, None))
    return await asyncio.shield(lookup)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _look_up(name: str) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)]
