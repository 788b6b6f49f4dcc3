"""``ScanoutDMABUF2`` of QEMU 10.1."""

from typing import Any

import numpy as np
import pytest

from libvirt_webrtc.display.unix_dmabuf2 import UNIX_DMABUF2
from libvirt_webrtc.picture.pixels import Rect
from tests.display.peer import open_fds
from tests.gl.guest import HEIGHT, WIDTH, Guest
from tests.gl.memory import XR24, Memory, picture
from tests.media.helpers import until


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
