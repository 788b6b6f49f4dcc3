"""What runs inside the forked processes: real workers up to and with their lock, and then what the test gives them."""

import asyncio
import ctypes
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from unittest import mock

from libvirt_webrtc.worker import main, process
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.worker.sandbox.attempts import attempts
from tests.worker.sandbox.place import SECRET, Place
from tests.worker.sandbox.target import REFUSALS, Target, Victim
from tests.worker.sandbox.ways import Way

Life = Callable[[socket.socket], None]
"""What a process does once it is locked in; a function of a module, because it crosses a process boundary."""

SETTINGS = WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)


def enter(way: Way, life: Life, sock: socket.socket, settings: WorkerSettings) -> None:
    """In the place of :func:`libvirt_webrtc.worker.process._enter`: ``life`` instead of a worker's, after its lock."""

    async def run_life(sock: socket.socket, settings: WorkerSettings) -> None:
        life(sock)

    way.become()
    if not way.locked:
        life(sock)
        return
    with mock.patch.object(main, "_run", run_life):
        main.run(sock, replace(settings, rights=way.rights))


@asynccontextmanager
async def forked(way: Way, life: Life) -> AsyncIterator[socket.socket]:
    """A process from the real fork server, and the other end of its channel; it has ended afterwards."""
    with mock.patch.object(process, "_enter", partial(enter, way, life)):
        forked, sock = await process.fork(SETTINGS)
    try:
        with sock:
            yield sock
    finally:
        await asyncio.to_thread(forked.join)
        forked.close()


async def told(sock: socket.socket) -> bytes:
    """What the process says next; nothing where it has ended."""
    return await asyncio.to_thread(sock.recv, 2**17)


def be_victim(sock: socket.socket) -> None:
    """Hold a secret in memory, say where, and wait for the end."""
    secret = ctypes.create_string_buffer(SECRET)
    sock.setblocking(True)
    sock.send(json.dumps([os.getpid(), ctypes.addressof(secret), len(SECRET)]).encode())
    sock.recv(1)


def try_everything(target: Target, sock: socket.socket) -> None:
    """Say, for each of the attempts, which means were not refused."""
    found = {
        what: [name for name, attempt in means.items() if not _is_refused(attempt)]
        for what, means in attempts(target).items()
    }
    sock.setblocking(True)
    sock.send(json.dumps(found).encode())


async def results(way: Way, place: Place) -> dict[str, list[str]]:
    """For each of the attempts of a worker that runs in this way, the means that were not refused."""
    async with (
        forked(replace(way, locked=False), be_victim) as service,
        forked(way, be_victim) as sibling,
    ):
        target = Target(
            place, Victim(*json.loads(await told(service))), Victim(*json.loads(await told(sibling)))
        )
        async with forked(way, partial(try_everything, target)) as attacker:
            found: dict[str, list[str]] = json.loads(await told(attacker))
            return found


def _is_refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError as error:
        return error.errno in REFUSALS
    return False
