"""What a picture costs on its way from QEMU's socket into the framebuffer; needs neither libvirt nor a browser.

A real D-Bus connection over a socket pair: another process writes ``Scanout`` and ``Update`` messages as QEMU does, as
fast as they are taken. Beside it, in the same run, the socket's floor: the same bytes by plain ``recv_into``.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from libvirt_webrtc.display.listener import Listener
from libvirt_webrtc.display.unix_map import UNIX_MAP
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import PixelFormat
from tests.bench.figures import Figure, Figures
from tests.bench.stage import Options, progress
from tests.display.peer import FakeQemu

WIDTH, HEIGHT = 1920, 1080
STRIDE = 4 * WIDTH
FRAME_BYTES = STRIDE * HEIGHT
BATCH = 25
"""How many frames there are between two readings of the clock."""
MAP_BATCH = 2_000
LINES = 20
"""The size of a small change as std VGA reports it: whole lines."""

_SENDER = """
import socket, sys
sock, message = socket.socket(fileno=int(sys.argv[1])), sys.stdin.buffer.read()
while sock.recv(1):
    for _ in range(int(sys.argv[2])):
        sock.sendall(message)
"""


class Sink:
    """A listener that takes pictures and nothing else."""

    def define_cursor(self, width: int, height: int, hot_x: int, hot_y: int, pixels: bytes) -> None: ...

    def move_cursor(self, x: int, y: int, visible: bool) -> None: ...

    def unsupported(self, what: str) -> None: ...


async def run(options: Options) -> Figures:
    """Measure each way in turn, ``runs`` times."""
    pixels = bytes(os.urandom(STRIDE)) * HEIGHT
    with FakeQemu() as make:
        scanout = make.message("Scanout", "uuuuay", WIDTH, HEIGHT, STRIDE, PixelFormat.X8R8G8B8, pixels)
        update = _update(make, HEIGHT, pixels)
        lines = _update(make, LINES, pixels[: LINES * STRIDE])
    samples: dict[str, list[tuple[float, float]]] = {}
    mapped: list[float] = []
    for number in range(options.runs):
        for name, message in (("floor", scanout), ("scanout", scanout), ("update", update), ("lines", lines)):
            take = _floor if name == "floor" else _listen
            samples.setdefault(name, []).append(await take(message))
        mapped.append(await _map())
        progress(f"ingest {number + 1}/{options.runs}: {samples['scanout'][-1][0]:.2f} ms a scanout")
    floor = [cpu for cpu, _ in samples["floor"]]
    figures = {f"{name}_cpu_ms": Figure.of([cpu for cpu, _ in pairs]) for name, pairs in samples.items()}
    for name in ("scanout", "update"):
        over = [cpu / least for (cpu, _), least in zip(samples[name], floor, strict=True)]
        figures[f"{name}_over_floor"] = Figure.of(over, "ratio")
    for name in ("floor", "scanout", "update"):
        rates = [FRAME_BYTES / 1e6 / (wall / 1000) for _, wall in samples[name]]
        figures[f"{name}_mb_s"] = Figure.of(rates, "MB/s")
    figures["update_map_cpu_us"] = Figure.of(mapped, "us")
    return figures


def _update(make: FakeQemu, height: int, pixels: bytes) -> bytes:
    return make.message("Update", "iiiiuuay", 0, 0, WIDTH, height, STRIDE, PixelFormat.X8R8G8B8, pixels)


async def _floor(message: bytes) -> tuple[float, float]:
    """CPU and wall milliseconds for each message, read into one buffer and forgotten."""
    ours, theirs = socket.socketpair()
    target = memoryview(bytearray(len(message)))
    with ours, theirs, _sender(theirs, message):
        for _ in range(2):  # The first round is to warm up.
            began, cpu = time.perf_counter(), time.thread_time()
            ours.send(b"!")
            for _ in range(BATCH):
                filled = 0
                while filled < len(target):
                    filled += ours.recv_into(target[filled:])
    return _per_message(began, cpu, BATCH)


async def _listen(message: bytes) -> tuple[float, float]:
    """The same, through the listener into a framebuffer."""
    framebuffer = Framebuffer()
    framebuffer.scanout(WIDTH, HEIGHT, STRIDE, PixelFormat.X8R8G8B8, bytes(FRAME_BYTES))
    seen, done = 0, asyncio.Event()

    def damaged() -> None:
        nonlocal seen
        cursor.take()
        seen += 1
        if seen % BATCH == 0:
            done.set()

    cursor = framebuffer.subscribe(damaged)
    with FakeQemu() as peer:
        listener = Listener(framebuffer, Sink())
        listener.attach(peer.theirs)
        await peer.authenticate()
        with _sender(peer.sock, message):
            for _ in range(2):
                began, cpu = time.perf_counter(), time.thread_time()
                done.clear()
                # The sender reads what the listener writes to QEMU: a byte is its signal to go on.
                peer.theirs.send(b"!")
                await done.wait()
        listener.close()
    return _per_message(began, cpu, BATCH)


async def _map() -> float:
    """CPU microseconds for each ``UpdateMap``: the picture itself is not moved at all."""
    framebuffer = Framebuffer()
    with FakeQemu() as peer:
        listener = Listener(framebuffer, Sink())
        listener.attach(peer.theirs)
        await peer.authenticate()
        memory = os.memfd_create("picture")
        try:
            os.truncate(memory, FRAME_BYTES)
            scanout = (0, 0, WIDTH, HEIGHT, STRIDE, PixelFormat.X8R8G8B8)
            call = peer.message("ScanoutMap", "huuuuu", *scanout, interface=UNIX_MAP, fds=1, reply=True)
            await peer.send(call, (memory,))
            await peer.receive()
        finally:
            os.close(memory)
        message = peer.message("UpdateMap", "iiii", 0, 0, WIDTH, LINES, interface=UNIX_MAP)
        seen, done = 0, asyncio.Event()

        def damaged() -> None:
            nonlocal seen
            cursor.take()
            seen += 1
            if seen == MAP_BATCH:
                done.set()

        cursor = framebuffer.subscribe(damaged)
        with _sender(peer.sock, message, MAP_BATCH):
            began, cpu = time.perf_counter(), time.thread_time()
            peer.theirs.send(b"!")
            await done.wait()
        listener.close()
    return _per_message(began, cpu, MAP_BATCH)[0] * 1000


def _per_message(began: float, cpu: float, messages: int) -> tuple[float, float]:
    return (time.thread_time() - cpu) * 1000 / messages, (time.perf_counter() - began) * 1000 / messages


@contextmanager
def _sender(sock: socket.socket, message: bytes, batch: int = BATCH) -> Iterator[None]:
    """A process that sends ``batch`` messages for every byte it is sent; in another, so that it never waits for us."""
    sock.setblocking(True)
    command = [sys.executable, "-S", "-c", _SENDER, str(sock.fileno()), str(batch)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[sock.fileno()])
    assert process.stdin is not None
    process.stdin.write(message)
    process.stdin.close()
    try:
        yield
    finally:
        process.kill()
        process.wait()
