"""A listener that is offered DMA-BUFs, by a peer that sends also what QEMU does not."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from dbus_fast import Message, MessageType

from libvirt_webrtc.display import scanout
from libvirt_webrtc.display.gl.thread import GraphicsThread, Urgency
from libvirt_webrtc.display.listener import Listener, ScanoutMode
from libvirt_webrtc.display.unix_dmabuf2 import UNIX_DMABUF2
from libvirt_webrtc.errors import GraphicsError, PictureLost
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import Rect
from tests.display.peer import FakeQemu, open_fds
from tests.display.sink import Sink
from tests.gl.memory import XR24, Memory, picture
from tests.gl.test_convert import converted, converter, furthest, in_memory
from tests.media.helpers import until

WIDTH, HEIGHT = 64, 48
IMPLICIT = 0x00FFFFFFFFFFFFFF


class Guest:
    """A listener, and the QEMU that it listens to."""

    def __init__(self, peer: FakeQemu, graphics: GraphicsThread) -> None:
        self.peer = peer
        self.sink = Sink()
        self.framebuffer = Framebuffer()
        self.damage = self.framebuffer.subscribe(lambda: None)
        self.listener = Listener(self.framebuffer, self.sink, graphics)
        self._graphics = graphics

    async def scanout(self, fd: int, *body: Any) -> None:
        body = body or (WIDTH, HEIGHT, 4 * WIDTH, XR24, 0, False)
        await self.peer.send(self.peer.message("ScanoutDMABUF", "huuuutb", 0, *body, fds=1), (fd,))

    async def update(self, *rect: int) -> Message:
        """The answer, once all that came before is done; on a loaded machine it comes earlier."""
        answer = await self.peer.ask("UpdateDMABUF", "iiii", *(rect or (0, 0, WIDTH, HEIGHT)))
        with suppress(GraphicsError):
            await asyncio.wrap_future(self._graphics.submit(Urgency.ENCODER, lambda _: None))
        return answer

    async def shown(self) -> None:
        await until(lambda: self.framebuffer.surface is not None)

    async def furthest(self, pixels: Any) -> int:
        made = converter(self.framebuffer, (True, False))
        return furthest(await converted(made, self.framebuffer), in_memory(pixels, (True, False)))

    @property
    def problem(self) -> str:
        return self.sink.problems[-1] if self.sink.problems else ""


@pytest.fixture
def peer() -> Iterator[FakeQemu]:
    with FakeQemu() as fake:
        yield fake


@pytest.fixture
async def guest(peer: FakeQemu, graphics: GraphicsThread) -> AsyncIterator[Guest]:
    made = Guest(peer, graphics)
    made.listener.attach(peer.theirs)
    await peer.authenticate()
    yield made
    made.listener.close()


@pytest.fixture
def memory() -> Iterator[Memory]:
    with Memory(picture(WIDTH, HEIGHT)) as made:
        yield made


async def test_a_scanout_is_shown_and_an_update_is_seen(guest: Guest, memory: Memory) -> None:
    await guest.scanout(memory.fd)
    await guest.shown()
    assert guest.listener.mode is ScanoutMode.DMABUF and guest.framebuffer.enabled
    assert await guest.furthest(picture(WIDTH, HEIGHT)) <= 1
    memory.draw(picture(WIDTH, HEIGHT, 2))
    assert (await guest.update()).message_type is MessageType.METHOD_RETURN
    await until(lambda: bool(guest.damage.take()))
    assert await guest.furthest(picture(WIDTH, HEIGHT, 2)) <= 1
    assert guest.sink.problems == []


async def test_what_qemu_draws_after_the_answer_is_not_in_the_picture(guest: Guest, memory: Memory) -> None:
    await guest.scanout(memory.fd)
    await guest.update()
    memory.draw(picture(WIDTH, HEIGHT, 2))
    assert await guest.furthest(picture(WIDTH, HEIGHT)) <= 1


async def test_without_viewers_nothing_is_copied_until_one_comes(guest: Guest, memory: Memory) -> None:
    guest.damage.close()
    await guest.scanout(memory.fd)
    await guest.update()
    memory.draw(picture(WIDTH, HEIGHT, 2))
    await guest.shown()
    assert await guest.furthest(picture(WIDTH, HEIGHT, 2)) <= 1


async def test_scanouts_of_the_same_size_are_one_surface(guest: Guest, memory: Memory) -> None:
    """As a guest that flips between two buffers makes them, 60 times a second."""
    await guest.scanout(memory.fd)
    await guest.shown()
    surface, generation = guest.framebuffer.surface, guest.framebuffer.generation
    before = open_fds()
    with Memory(picture(WIDTH, HEIGHT, 2)) as other:
        for fd in (other.fd, memory.fd) * 20:
            await guest.scanout(fd)
            await guest.update()
        await guest.scanout(other.fd)
        await guest.update()
        assert await guest.furthest(picture(WIDTH, HEIGHT, 2)) <= 1
    assert guest.framebuffer.surface is surface and guest.framebuffer.generation == generation
    assert open_fds() <= before + 1  # the descriptors of one scanout, which OpenGL holds


async def test_another_size_is_another_surface(guest: Guest, memory: Memory) -> None:
    await guest.scanout(memory.fd)
    await guest.shown()
    with Memory(picture(200, 100, 2)) as other:
        await guest.scanout(other.fd, 200, 100, 800, XR24, IMPLICIT, False)
        await guest.update(0, 0, 200, 100)
        assert (guest.framebuffer.width, guest.framebuffer.height) == (200, 100)
        assert await guest.furthest(picture(200, 100, 2)) <= 1


async def test_disable_keeps_the_picture_and_the_next_scanout_shows_again(
    guest: Guest, memory: Memory
) -> None:
    await guest.scanout(memory.fd)
    await guest.update()
    await guest.peer.send(guest.peer.message("Disable"))
    memory.draw(picture(WIDTH, HEIGHT, 2))
    assert (await guest.update()).message_type is MessageType.METHOD_RETURN
    assert not guest.framebuffer.enabled
    assert await guest.furthest(picture(WIDTH, HEIGHT)) <= 1
    await guest.scanout(memory.fd)
    await guest.update()
    assert guest.framebuffer.enabled
    assert await guest.furthest(picture(WIDTH, HEIGHT, 2)) <= 1


async def test_plain_scanouts_and_back(guest: Guest, memory: Memory) -> None:
    """As a guest that reboots with its driver's display, and then without."""
    flat = picture(WIDTH, HEIGHT, 3)
    for _ in range(3):
        await guest.scanout(memory.fd)
        await guest.update()
        assert await guest.furthest(picture(WIDTH, HEIGHT)) <= 1
        message = guest.peer.message(
            "Scanout", "uuuuay", WIDTH, HEIGHT, 4 * WIDTH, 0x20020888, flat.tobytes()
        )
        await guest.peer.send(message)
        await guest.peer.settle()
        assert guest.framebuffer.surface is None and guest.listener.mode is ScanoutMode.COPY
        assert (guest.framebuffer.pixels == flat).all()


async def test_updates_without_any_scanout_are_answered_and_told(guest: Guest, memory: Memory) -> None:
    """As from a QEMU whose driver can export nothing: without /dev/udmabuf."""
    assert (await guest.update()).message_type is MessageType.METHOD_RETURN
    assert "udmabuf" in guest.problem
    await guest.scanout(memory.fd)
    await guest.shown()
    assert guest.problem == ""


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ((WIDTH, HEIGHT + 1, 4 * WIDTH, XR24, 0, False), "12288 bytes, and 64x49 pixels of format XR24"),
        ((WIDTH, HEIGHT, 4 * WIDTH - 4, XR24, 0, False), "stride 252 does not fit"),
        ((WIDTH, HEIGHT, 2**32 - 1, XR24, 0, False), "stride 4294967295"),
        ((0, HEIGHT, 4 * WIDTH, XR24, 0, False), "0x48 pixels"),
        ((2**32 - 1, 2**32 - 1, 4, XR24, 0, False), "4294967295"),
        ((WIDTH, HEIGHT, 4 * WIDTH, 0x20202020, 0, False), "EGL_BAD"),
        ((WIDTH, HEIGHT, 4 * WIDTH, 0x01020304, 0, False), "format 0x01020304, modifier 0x0"),
        ((WIDTH, HEIGHT, 4 * WIDTH, XR24, 0x0100000000000002, False), "XR24, modifier 0x100000000000002"),
    ],
)
async def test_what_cannot_be_imported_is_told_and_the_next_is_shown(
    guest: Guest, memory: Memory, body: tuple[Any, ...], why: str
) -> None:
    before = open_fds()
    await guest.scanout(memory.fd, *body)
    assert (await guest.update()).message_type is MessageType.METHOD_RETURN
    await until(lambda: bool(guest.problem))
    assert why in guest.problem and guest.framebuffer.surface is None
    await until(lambda: open_fds() <= before + 1)  # which a driver may hold until it draws again
    await guest.scanout(memory.fd)
    await guest.shown()
    assert guest.problem == "" and await guest.furthest(picture(WIDTH, HEIGHT)) <= 1


async def test_a_descriptor_of_no_memory_is_told(guest: Guest, memory: Memory) -> None:
    reading, writing = os.pipe()
    try:
        await guest.scanout(reading)
        await until(lambda: "Illegal seek" in guest.problem)
    finally:
        os.close(reading)
        os.close(writing)
    null = os.open("/dev/null", os.O_RDONLY)
    try:
        await guest.scanout(null)
        await until(lambda: "of 0 bytes" in guest.problem)
    finally:
        os.close(null)
    await guest.scanout(memory.fd)
    await guest.shown()
    assert guest.problem == ""


async def test_memory_that_cannot_be_mapped_is_told(guest: Guest, tmp_path: Any) -> None:
    """Mesa imports it, and fails without an error when it is drawn from."""
    file = tmp_path / "picture"
    file.write_bytes(bytes(4 * WIDTH * HEIGHT))
    fd = os.open(file, os.O_WRONLY)
    try:
        await guest.scanout(fd)
        await until(lambda: "cannot be mapped" in guest.problem)
    finally:
        os.close(fd)


async def test_a_scanout_without_its_descriptor_is_rejected(guest: Guest) -> None:
    body = (0, WIDTH, HEIGHT, 4 * WIDTH, XR24, 0, False)
    await guest.peer.send(guest.peer.message("ScanoutDMABUF", "huuuutb", *body))
    await guest.peer.settle()
    assert guest.listener.bus is not None and guest.listener.bus.rejected == 1


@pytest.mark.parametrize("rect", [(-5, -5, 10, 10), (60, 40, 100, 100), (0, 0, 2**31 - 1, 2**31 - 1)])
async def test_updates_beyond_the_picture_are_cut(
    guest: Guest, memory: Memory, rect: tuple[int, int, int, int]
) -> None:
    await guest.scanout(memory.fd)
    await guest.update()
    guest.damage.take()
    memory.draw(picture(WIDTH, HEIGHT, 2))
    await guest.update(*rect)
    await until(lambda: guest.damage.take() == (Rect(*rect).clipped(WIDTH, HEIGHT),))


@pytest.mark.parametrize("rect", [(0, 0, 0, 0), (5, 5, -3, 2), (1000, 1000, 5, 5), (-(2**31), 0, 1, 1)])
async def test_updates_of_nothing_are_answered(
    guest: Guest, memory: Memory, rect: tuple[int, int, int, int]
) -> None:
    await guest.scanout(memory.fd)
    await guest.update()
    guest.damage.take()
    assert (await guest.update(*rect)).message_type is MessageType.METHOD_RETURN
    await guest.peer.settle()
    assert guest.damage.take() == ()


async def test_an_update_is_answered_while_opengl_hangs(
    guest: Guest, graphics: GraphicsThread, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanout, "ANSWER_S", 0.05)
    await guest.scanout(memory.fd)
    await guest.update()
    release = asyncio.Event()
    loop = asyncio.get_running_loop()
    hanging = graphics.submit(
        Urgency.QEMU, lambda _: asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
    )
    answer = await guest.peer.ask("UpdateDMABUF", "iiii", 0, 0, WIDTH, HEIGHT)
    assert answer.message_type is MessageType.METHOD_RETURN and not hanging.done()
    release.set()


async def test_a_machine_without_opengl_says_so(peer: FakeQemu, memory: Memory, software: None) -> None:
    thread = GraphicsThread("/dev/dri/renderD999")
    guest = Guest(peer, thread)
    guest.listener.attach(peer.theirs)
    await peer.authenticate()
    await guest.scanout(memory.fd)
    assert (await guest.update()).message_type is MessageType.METHOD_RETURN
    await until(lambda: "EGL has no device for gl_device=/dev/dri/renderD999" in guest.problem)
    guest.listener.close()
    thread.close()


async def test_a_surface_that_outlives_opengl_says_that_it_is_lost(
    peer: FakeQemu, own_graphics: GraphicsThread, memory: Memory
) -> None:
    guest = Guest(peer, own_graphics)
    guest.listener.attach(peer.theirs)
    await peer.authenticate()
    await guest.scanout(memory.fd)
    await guest.shown()
    own_graphics.close()
    own_graphics.close()
    with pytest.raises(PictureLost):
        await guest.furthest(picture(WIDTH, HEIGHT))
    with pytest.raises(GraphicsError):
        own_graphics.submit(Urgency.QEMU, lambda _: None).result()
    guest.listener.close()


# ScanoutDMABUF2 of QEMU 10.1: by its description alone.


async def scanout2(guest: Guest, fds: tuple[int, ...], *body: Any) -> None:
    message = guest.peer.message(
        "ScanoutDMABUF2",
        "ahuuuuauauuuuutb",
        list(range(len(fds))),
        *body,
        interface=UNIX_DMABUF2,
        fds=len(fds),
    )
    await guest.peer.send(message, fds)


@pytest.mark.parametrize("bottom_up", [False, True])
async def test_a_part_of_a_buffer_by_scanout_dmabuf2(guest: Guest, bottom_up: bool) -> None:
    buffer, part = picture(200, 100), Rect(40, 20, WIDTH, HEIGHT)
    pixels = buffer[part.y : part.bottom, part.x : part.right]
    place = (part.x, part.y, part.width, part.height)
    with Memory(buffer, offset=4096, stride=1024) as memory:
        await scanout2(guest, (memory.fd,), *place, [4096], [1024], 1, XR24, 200, 100, 0, bottom_up)
        await guest.update()
        assert (guest.framebuffer.width, guest.framebuffer.height) == (WIDTH, HEIGHT)
        assert await guest.furthest(np.ascontiguousarray(pixels[::-1] if bottom_up else pixels)) <= 1


@pytest.mark.parametrize(
    ("fds", "body"),
    [
        (1, (0, 0, 201, 100, [0], [800], 1, XR24, 200, 100, 0, False)),
        (1, (150, 0, 64, 48, [0], [800], 1, XR24, 200, 100, 0, False)),
        (1, (0, 0, 200, 100, [], [], 0, XR24, 200, 100, 0, False)),
        (1, (0, 0, 200, 100, [0] * 5, [800] * 5, 5, XR24, 200, 100, 0, False)),
        (3, (0, 0, 200, 100, [0, 0], [800, 800], 2, XR24, 200, 100, 0, False)),
        (1, (0, 0, 200, 100, [0], [800, 800], 1, XR24, 200, 100, 2**64 - 1, False)),
        (1, (0, 0, 200, 100, [2**32 - 1], [800], 1, XR24, 200, 100, 0, False)),
        (0, (0, 0, 200, 100, [0], [800], 1, XR24, 200, 100, 0, False)),
    ],
)
async def test_a_bad_scanout_dmabuf2_leaves_nothing_open(
    guest: Guest, fds: int, body: tuple[Any, ...]
) -> None:
    with Memory(picture(200, 100)) as memory:
        # So that OpenGL has opened what it opens.
        await guest.scanout(memory.fd, 200, 100, 800, XR24, 0, False)
        await guest.update()
        await guest.peer.send(guest.peer.message("Disable"))
        await guest.update()
        before = open_fds()
        await scanout2(guest, (memory.fd,) * fds, *body)
        await guest.update()
        await until(lambda: open_fds() <= before)
        assert not guest.framebuffer.enabled
