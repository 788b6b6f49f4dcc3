"""The listener against a peer that sends what QEMU does not."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from dbus_fast import MessageType, Variant

from libvirt_webrtc.display.listener import LISTENER, Listener, ScanoutMode
from libvirt_webrtc.display.unix_dmabuf2 import UNIX_DMABUF2
from libvirt_webrtc.display.unix_map import UNIX_MAP
from libvirt_webrtc.display.unmarshal import Unreadable
from libvirt_webrtc.picture.pixels import PixelFormat
from tests.display.peer import FakeQemu, open_fds
from tests.display.sink import Sink

PAGE = 4096
XRGB = PixelFormat.X8R8G8B8


@pytest.fixture
def memory() -> Iterator[int]:
    """A file in memory of three pages, each filled with its number plus one."""
    fd = os.memfd_create("picture")
    os.write(fd, b"".join(bytes([number + 1]) * PAGE for number in range(3)))
    yield fd
    os.close(fd)


async def map_picture(peer: FakeQemu, fd: int, *body: int) -> MessageType:
    message = peer.message("ScanoutMap", "huuuuu", 0, *body, interface=UNIX_MAP, fds=1, reply=True)
    await peer.send(message, (fd,))
    return (await peer.receive()).message_type


async def test_get_all_offers_the_map_and_parts_of_buffers(peer: FakeQemu, listener: Listener) -> None:
    options: dict[str, Any] = {"interface": "org.freedesktop.DBus.Properties"}
    assert (await peer.ask("GetAll", "s", LISTENER, **options)).body == [
        {"Interfaces": Variant("as", [UNIX_MAP, UNIX_DMABUF2])}
    ]
    for interface in (UNIX_MAP, UNIX_DMABUF2):
        assert (await peer.ask("GetAll", "s", interface, **options)).body == [{}]


async def test_scanout_and_update_become_pixels(peer: FakeQemu, listener: Listener) -> None:
    await peer.send(peer.message("Scanout", "uuuuay", 4, 2, 16, XRGB, bytes([7]) * 32))
    await peer.send(peer.message("Update", "iiiiuuay", 1, 1, 2, 1, 8, XRGB, bytes([9]) * 8))
    await peer.settle()
    assert listener.mode is ScanoutMode.COPY
    assert listener.framebuffer.pixels[..., 0].tolist() == [[7, 7, 7, 7], [7, 9, 9, 7]]


@pytest.mark.parametrize(
    "body",
    [
        (4, 2, 16, XRGB, bytes(31)),
        (4, 2, 15, XRGB, bytes(32)),
        (4, 2, 16, 0x1234, bytes(32)),
        (0, 2, 16, XRGB, bytes(32)),
        (9000, 1, 36000, XRGB, bytes(36000)),
        (2**32 - 1, 2**32 - 1, 2**32 - 1, XRGB, bytes(32)),
    ],
)
async def test_a_bad_scanout_is_rejected_and_the_next_is_shown(
    body: tuple[Any, ...], peer: FakeQemu, listener: Listener
) -> None:
    await peer.send(peer.message("Scanout", "uuuuay", *body))
    await peer.send(peer.message("Scanout", "uuuuay", 1, 1, 4, XRGB, b"abcd"))
    await peer.settle()
    assert listener.bus is not None and listener.bus.rejected == 1
    assert listener.framebuffer.pixels.tobytes() == b"abcd"


async def test_a_bad_scanout_is_told_to_the_page_until_a_whole_picture_is_shown(
    peer: FakeQemu, listener: Listener
) -> None:
    assert isinstance(listener.sink, Sink)
    await peer.send(peer.message("Scanout", "uuuuay", 1, 1, 4, XRGB, b"abcd"))
    await peer.send(peer.message("Scanout", "uuuuay", 1, 1, 4, 0x1234, b"abcd"))
    await peer.settle()
    assert listener.sink.problems == [
        "QEMU's picture cannot be shown: pixel format 0x00001234 is not supported"
    ]
    await peer.send(peer.message("Update", "iiiiuuay", 0, 0, 1, 1, 4, XRGB, b"abcd"))
    await peer.settle()
    assert listener.sink.problem
    await peer.send(peer.message("Scanout", "uuuuay", 1, 1, 4, XRGB, b"abcd"))
    await peer.settle()
    assert listener.sink.problem == "" and len(listener.sink.problems) == 2


async def test_a_picture_that_is_too_large_is_told_and_a_smaller_one_is_shown(
    peer: FakeQemu, listener: Listener
) -> None:
    """As QEMU sends a mode of 7000x5000 pixels; the connection ended, and with it the console."""
    assert isinstance(listener.sink, Sink)
    size = 7000 * 5000 * 4
    data = bytearray(peer.message("Scanout", "uuuuay", 7000, 5000, 28000, XRGB, b""))
    data[4:8] = (int.from_bytes(data[4:8], "little") + size).to_bytes(4, "little")
    await peer.send(bytes(data))
    for _ in range(size // (1 << 20)):
        await peer.send(bytes(1 << 20))
    await peer.send(bytes(size % (1 << 20)))
    await peer.send(peer.message("Scanout", "uuuuay", 1, 1, 4, XRGB, b"abcd"))
    await peer.settle()
    assert "133 MiB" in listener.sink.problems[0] and listener.sink.problem == ""
    assert listener.framebuffer.pixels.tobytes() == b"abcd"


async def test_calls_without_their_values_end_the_connection(peer: FakeQemu, listener: Listener) -> None:
    data = bytearray(peer.message("MouseSet", "iii", 1, 2, 3)[:-12])
    data[4:8] = bytes(4)
    await peer.send(bytes(data))
    assert listener.bus is not None
    assert isinstance(await listener.bus.wait_closed(), Unreadable)


async def test_an_array_that_ends_elsewhere_than_the_body_is_rejected(
    peer: FakeQemu, listener: Listener
) -> None:
    data = bytearray(peer.message("Scanout", "uuuuay", 1, 1, 4, XRGB, b"abcd"))
    data[-8:-4] = b"\xff\xff\xff\xff"
    await peer.send(bytes(data))
    await peer.settle()
    assert listener.framebuffer.width == 0


async def test_a_map_is_shown_in_place_and_its_fd_closed(
    peer: FakeQemu, listener: Listener, memory: int
) -> None:
    before = open_fds()
    assert await map_picture(peer, memory, PAGE + 16, 32, 4, 128, XRGB) is MessageType.METHOD_RETURN
    assert listener.mode is ScanoutMode.MAP and listener.framebuffer.mapped
    assert (listener.framebuffer.pixels == 2).all()
    os.pwrite(memory, bytes([8]) * 4, PAGE + 16)
    await peer.send(peer.message("UpdateMap", "iiii", 0, 0, 1, 1, interface=UNIX_MAP))
    await peer.settle()
    assert listener.framebuffer.pixels[0, 0].tolist() == [8, 8, 8, 8]
    # The map itself holds one until the picture is let go.
    listener.framebuffer.scanout(1, 1, 4, XRGB, b"abcd")
    assert open_fds() == before


@pytest.mark.parametrize(
    "body",
    [
        (2 * PAGE, 32, 64, 128, XRGB),
        (0, 8192, 8192, 32768, XRGB),
        (2**32 - 4096, 32, 4, 128, XRGB),
        (0, 32, 4, 2**32 - 1, XRGB),
        (0, 32, 4, 64, XRGB),
        (0, 0, 0, 0, XRGB),
        (0, 32, 4, 128, 5),
    ],
)
async def test_a_map_that_would_not_fit_its_file_is_refused(
    body: tuple[int, ...], peer: FakeQemu, listener: Listener, memory: int
) -> None:
    before = open_fds()
    assert await map_picture(peer, memory, *body) is MessageType.ERROR
    assert not listener.framebuffer.mapped and listener.mode is None
    assert open_fds() == before


async def test_a_map_of_what_is_no_file_is_refused(peer: FakeQemu, listener: Listener) -> None:
    before = open_fds()
    assert await map_picture(peer, peer.sock.fileno(), 0, 32, 4, 128, XRGB) is MessageType.ERROR
    assert open_fds() == before


async def test_update_map_before_a_map_is_rejected(peer: FakeQemu, listener: Listener) -> None:
    await peer.send(peer.message("UpdateMap", "iiii", 0, 0, 1, 1, interface=UNIX_MAP))
    await peer.settle()
    assert listener.bus is not None and listener.bus.rejected == 1


async def test_an_update_after_a_map_never_writes_into_the_map(
    peer: FakeQemu, listener: Listener, memory: int
) -> None:
    await map_picture(peer, memory, 0, 32, 4, 128, XRGB)
    await peer.send(peer.message("Update", "iiiiuuay", 0, 0, 1, 1, 4, XRGB, b"\x55" * 4))
    await peer.settle()
    assert listener.framebuffer.pixels[0, 0, 0] == 0x55 and listener.framebuffer.pixels[0, 1, 0] == 1
    assert os.pread(memory, 4, 0) == b"\1\1\1\1"


async def test_disable_and_a_new_scanout(peer: FakeQemu, listener: Listener) -> None:
    await peer.send(peer.message("Scanout", "uuuuay", 1, 1, 4, XRGB, b"abcd"))
    await peer.send(peer.message("Disable"))
    await peer.settle()
    assert not listener.framebuffer.enabled
    await peer.send(peer.message("Scanout", "uuuuay", 1, 1, 4, XRGB, b"abcd"))
    await peer.settle()
    assert listener.framebuffer.enabled


@pytest.mark.parametrize("member", ["Scanout", "Update"])
@pytest.mark.parametrize("side", [8, 256])
async def test_a_picture_that_is_still_read_is_not_written_over(
    member: str, side: int, peer: FakeQemu, listener: Listener
) -> None:
    """As by an encoder's thread, while QEMU sends the next ones; small ones share a read buffer."""
    place = (side, side) if member == "Scanout" else (0, 0, side, side)
    signature = "uuuuay" if member == "Scanout" else "iiiiuuay"
    held = []
    for value in range(1, 6):
        pixels = bytes([value]) * (side * side * 4)
        await peer.send(peer.message(member, signature, *place, side * 4, XRGB, pixels))
        await peer.settle()
        held.append(listener.framebuffer.pixels)
    for value, seen in enumerate(held, 1):
        assert (seen == value).all()


async def test_a_whole_picture_stays_where_it_was_received_and_its_memory_is_used_again(
    peer: FakeQemu, listener: Listener
) -> None:
    places = set()
    for value in range(1, 9):
        pixels = bytes([value]) * (256 * 256 * 4)
        await peer.send(peer.message("Update", "iiiiuuay", 0, 0, 256, 256, 1024, XRGB, pixels))
        await peer.settle()
        places.add(listener.framebuffer.pixels.ctypes.data)
    assert len(places) == 2, "one is shown, one is read into"
    await peer.send(peer.message("Update", "iiiiuuay", 1, 1, 1, 1, 4, XRGB, b"abcd"))
    await peer.settle()
    assert listener.framebuffer.pixels.ctypes.data in places
    assert listener.framebuffer.pixels[1, :2].tolist() == [[8, 8, 8, 8], list(b"abcd")]
    listener.trim()
    assert listener.framebuffer.pixels[0, 0].tolist() == [8, 8, 8, 8]
