"""Workers that try what they are locked in against. See ``attempts.py`` for what, and ``ways.py`` for how they run."""

import asyncio
import json
import mmap
import os
import platform
import re
import socket
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import ifaddr
import pytest

from libvirt_webrtc.worker.sandbox.identity import FIRST_ID, LAST_ID
from libvirt_webrtc.worker.sandbox.rights import Rights
from tests.worker.sandbox import table
from tests.worker.sandbox.inside import be_victim, forked, results, told
from tests.worker.sandbox.place import place_for
from tests.worker.sandbox.syscalls import i386
from tests.worker.sandbox.ways import LOCKED, UNLOCKED, Twist, Way

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="becomes other users: needs root"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the attempts know x86-64's numbers only"),
]

POSSIBLE_WITHOUT_A_LOCK = {
    "connect to libvirt's socket, or another Unix socket": {"connect", "sendto", "sendto from a pair"},
    "read the token, the configuration, the state folder": {"token", "config.toml", "listdir"},
    "signal one of them": {"kill service", "tkill service", "F_SETOWN service"},
    "run a program": {"execve", "execveat"},
    "start a process": {"fork", "clone3"},
    "write, make, rename or remove a file": {"O_WRONLY", "O_CREAT", "O_TMPFILE", "chmod", "rename", "unlink"},
    "listen on TCP, connect by TCP": {"listen", "connect"},
}
"""For the unit's user: what makes the refusals worth something."""

_I386_GETPID = 20


def test_the_page_says_what_locked_workers_find() -> None:
    """Run ``python -m tests.worker.sandbox.table --write`` where this is on purpose."""
    found = asyncio.run(table.find())
    for way, attempts in found.items():
        print(f"{way}: { ({what: means for what, means in attempts.items() if means}) }")
    assert table.written() == table.table(found)


async def test_the_same_is_possible_for_a_worker_that_is_not_locked_in() -> None:
    with place_for(UNLOCKED) as place:
        found = await results(UNLOCKED, place)
    for what, means in POSSIBLE_WITHOUT_A_LOCK.items():
        assert means <= set(found[what]), what


def work(sock: socket.socket) -> None:
    """What a worker does all the time."""
    with open("/usr/bin/env", "rb") as program:
        program.read(4)
    assert socket.getaddrinfo("localhost", 1)
    assert ifaddr.get_adapters()
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM):
        end.close()
    memory = os.memfd_create("picture")
    os.ftruncate(memory, mmap.PAGESIZE)
    mmap.mmap(memory, mmap.PAGESIZE)
    thread = threading.Thread(target=os.getrandom, args=(1,))
    thread.start()
    thread.join()
    os.kill(os.getpid(), 0)
    assert os.read(0, 1) == b""
    sock.setblocking(True)
    sock.send(b"works")


def open_device(sock: socket.socket) -> None:
    os.close(os.open("/dev/zero", os.O_RDWR))
    sock.setblocking(True)
    sock.send(b"works")


@pytest.mark.parametrize("way", [way for way in LOCKED if way.twist is Twist.NONE], ids=lambda way: way.name)
async def test_a_locked_worker_can_work(way: Way) -> None:
    async with forked(way, work) as sock:
        assert await told(sock) == b"works"


@pytest.mark.parametrize("way", [way for way in LOCKED if way.rights.devices], ids=lambda way: way.name)
async def test_the_devices_of_its_rights_can_be_opened(way: Way) -> None:
    async with forked(way, open_device) as sock:
        assert await told(sock) == b"works"


def connect(ports: tuple[int, ...], sock: socket.socket) -> None:
    """Say which of the ports were reached."""
    reached = []
    for port in ports:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            reached.append(port)
        except PermissionError:
            pass
    sock.setblocking(True)
    sock.send(json.dumps(reached).encode())


async def test_a_turn_server_is_reached_by_tcp_and_nobody_else() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as turn,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        ports = turn.getsockname()[1], other.getsockname()[1]
        way = replace(LOCKED[0], rights=Rights(tcp_ports=ports[:1]))
        async with forked(way, partial(connect, ports)) as sock:
            assert json.loads(await told(sock)) == [ports[0]]


def call_as_i386(sock: socket.socket) -> None:
    result = i386(_I386_GETPID)
    sock.setblocking(True)
    sock.send(str(result).encode())


async def test_calls_of_a_32_bit_program_are_refused() -> None:
    async with forked(LOCKED[0], call_as_i386) as sock:
        # A kernel without them ends the process.
        assert await told(sock) in (b"-1", b"")


def abort(sock: socket.socket) -> None:
    os.abort()


async def test_a_worker_that_gives_up_ends_by_its_own_signal() -> None:
    async with forked(LOCKED[0], abort) as sock:
        assert await told(sock) == b""


def status(pid: int) -> dict[str, list[str]]:
    """The words of each line of ``/proc/PID/status``."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("way", LOCKED, ids=lambda way: way.name)
async def test_a_locked_worker_has_no_rights_left(way: Way) -> None:
    async with forked(way, be_victim) as sock:
        pid, *_ = json.loads(await told(sock))
        proc = Path(f"/proc/{pid}")
        now = status(pid)
        limits = (proc / "limits").read_text()
        descriptors = sorted(int(fd.name) for fd in (proc / "fd").iterdir())
    (uid,) = set(now["Uid"])
    (gid,) = set(now["Gid"])
    if way.uid == 0:
        assert FIRST_ID <= int(uid) <= LAST_ID and gid == uid
        assert now["Groups"] == []
        assert int(now["CapBnd"][0], 16) == 0
    else:
        assert int(uid) == way.uid, "without the right to change it"
    assert {int(now[name][0], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert now["NoNewPrivs"] == ["1"] and now["Seccomp"] == ["2"]
    assert re.search(r"Max core file size +0 +0 ", limits)
    # Its channel, and asyncio's selector and pair of sockets.
    assert descriptors[:3] == [0, 1, 2] and len(descriptors) == 7


async def test_two_workers_of_root_are_two_users() -> None:
    async with forked(LOCKED[0], be_victim) as one, forked(LOCKED[0], be_victim) as other:
        pids = [json.loads(await told(sock))[0] for sock in (one, other)]
        uids = {status(pid)["Uid"][0] for pid in pids}
    assert len(uids) == 2


async def test_a_layer_that_fails_ends_the_worker() -> None:
    way = replace(LOCKED[0], twist=Twist.LANDLOCK_FAILS)
    async with forked(way, be_victim) as sock:
        assert await told(sock) == b"", "it never got to its life"


async def test_a_process_with_threads_is_not_locked_in_by_halves() -> None:
    way = replace(LOCKED[0], twist=Twist.HAS_THREADS)
    async with forked(way, be_victim) as sock:
        assert await told(sock) == b""


async def test_a_kernel_without_filters_still_has_the_rest() -> None:
    way = replace(LOCKED[0], twist=Twist.NO_SECCOMP)
    async with forked(way, be_victim) as sock:
        pid, *_ = json.loads(await told(sock))
        now = status(pid)
    assert now["Seccomp"] == ["0"] and now["NoNewPrivs"] == ["1"]
    assert FIRST_ID <= int(now["Uid"][0]) <= LAST_ID
