"""DMA-BUFs that cannot be shown: told, closed, and the next one is shown."""

import os
from typing import Any

import pytest
from dbus_fast import MessageType

from libvirt_webrtc.display.gl.thread import GraphicsThread
from tests.display.peer import FakeQemu, open_fds
from tests.gl.guest import HEIGHT, WIDTH, Guest
from tests.gl.memory import XR24, Memory, picture
from tests.media.helpers import until


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
