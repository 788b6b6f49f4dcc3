"""DMA-BUFs from D-Bus messages to the framebuffer."""

import pytest
from dbus_fast import MessageType

from libvirt_webrtc.display.listener import ScanoutMode
from libvirt_webrtc.picture.pixels import Rect
from tests.display.peer import open_fds
from tests.gl.guest import HEIGHT, WIDTH, Guest
from tests.gl.memory import XR24, Memory, picture
from tests.media.helpers import until

IMPLICIT = 0x00FFFFFFFFFFFFFF


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
