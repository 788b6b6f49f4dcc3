"""A network path with limits that can be changed while it is in use: rate, delay, loss and the queue before it.

Two TUN devices, one here and one in a network namespace of the far end, and a process that carries packets between
them as netem and tbf would. Not those themselves: many kernels are built without netem, and what a test does should
not depend on that. Root.
"""

import asyncio
import fcntl
import heapq
import itertools
import json
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

TUN = Path("/dev/net/tun")
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_MAX_PACKET = 65536


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a path, the same in both directions. The default has none."""

    rate_bps: float = 1e10
    delay_s: float = 0.0
    """The delay of one direction, in seconds."""
    loss: float = 0.0
    """The share of packets that is lost at random, 0 to 1."""
    queue_bytes: int = 1_000_000
    """The size of the queue before the rate limit; packets beyond it are lost."""


class NoLink(Exception):
    """A path cannot be made on this machine."""


@contextmanager
def open_link(far_pid: int) -> "Iterator[NarrowLink]":
    """A path to the network namespace of process ``far_pid``.

    Raises:
        NoLink: says why.
    """
    if os.geteuid() != 0 or not TUN.exists():
        raise NoLink("needs root and /dev/net/tun")
    near, far = f"near{far_pid}", f"far{far_pid}"
    # Of their own, for tests that run at the same time.
    here, there = (f"10.213.{far_pid >> 6 & 255}.{(far_pid & 63) * 4 + host}" for host in (1, 2))
    carrier = subprocess.Popen(
        [sys.executable, "-m", __spec__.name, near, far], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert carrier.stdout is not None
        if not carrier.stdout.readline():
            raise NoLink("TUN devices cannot be made here")
        _ip("link", "set", far, "netns", str(far_pid))
        _ip("addr", "add", here, "peer", there, "dev", near)
        _ip("link", "set", near, "up")
        inside = ("nsenter", "--net", "--target", str(far_pid))
        _ip("link", "set", "lo", "up", inside=inside)
        _ip("addr", "add", there, "peer", here, "dev", far, inside=inside)
        _ip("link", "set", far, "up", inside=inside)
        yield NarrowLink(carrier, here)
    finally:
        assert carrier.stdin is not None and carrier.stdout is not None
        carrier.stdin.close()
        carrier.stdout.close()
        carrier.wait()


class NarrowLink:
    """A path in use.

    Attributes:
        address: this machine's, at its end.
    """

    def __init__(self, carrier: subprocess.Popen[bytes], address: str) -> None:
        self.address = address
        self._carrier = carrier

    def limit(self, limits: Limits) -> None:
        """Change the limits from now on; packets that are under way arrive as they would have."""
        assert self._carrier.stdin is not None
        self._carrier.stdin.write(json.dumps(asdict(limits)).encode() + b"\n")
        self._carrier.stdin.flush()


async def run_far(*command: str) -> asyncio.subprocess.Process:
    """Start a program in a network namespace of its own, with pipes; its process id is that of the namespace."""
    return await asyncio.create_subprocess_exec(
        *("unshare", "--net", "--", *command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


def _ip(*arguments: str, inside: tuple[str, ...] = ()) -> None:
    subprocess.run([*inside, "ip", *arguments], check=True)


class _Way:
    """One direction: packets in, and out of ``fd`` when it is their time."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._free_at = 0.0
        self._due: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()
        self._random = random.Random(1)

    @property
    def due_at(self) -> float:
        return self._due[0][0] if self._due else float("inf")

    def take(self, packet: bytes, limits: Limits, now: float) -> None:
        begin = max(now, self._free_at)
        if (begin - now) * limits.rate_bps / 8 + len(packet) > limits.queue_bytes:
            return
        self._free_at = begin + len(packet) * 8 / limits.rate_bps
        if self._random.random() >= limits.loss:
            heapq.heappush(self._due, (self._free_at + limits.delay_s, next(self._order), packet))

    def give(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            try:
                os.write(self._fd, heapq.heappop(self._due)[2])
            except OSError:
                # The device is not up, or not any more: a path like any other then loses packets.
                continue


def _open_tun(name: str) -> int:
    fd = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return fd


def _carry(near: str, far: str) -> None:
    """The carrying process: packets between the devices, and new limits on standard input until it ends."""
    near_fd, far_fd = _open_tun(near), _open_tun(far)
    print("ready", flush=True)
    limits = Limits()
    there, back = _Way(far_fd), _Way(near_fd)
    into = {near_fd: there, far_fd: back}
    while True:
        now = time.monotonic()
        wait_s = max(min(there.due_at, back.due_at, now + 60) - now, 0)
        readable, _, _ = select.select([*into, sys.stdin], [], [], wait_s)
        now = time.monotonic()
        if sys.stdin in readable:
            lines = os.read(sys.stdin.fileno(), _MAX_PACKET).splitlines()
            if not lines:
                return
            limits = Limits(**json.loads(lines[-1]))
        for fd in readable:
            if fd in into:
                try:
                    packet = os.read(fd, _MAX_PACKET)
                except BlockingIOError:
                    # Select's word is not kept while the device is moved.
                    continue
                except OSError:
                    # The far end has gone, with its namespace and its device.
                    return
                into[fd].take(packet, limits, now)
        for way in (there, back):
            way.give(now)


if __name__ == "__main__":
    _carry(*sys.argv[1:])
