"""DMA-BUFs through OpenGL into an encoder's planes, beside the same pictures converted in memory."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from libvirt_webrtc.display.gl.thread import GraphicsThread
from libvirt_webrtc.display.scanout import DmabufScanout
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import Rect
from tests.gl.converting import converted, converter, furthest, in_memory
from tests.gl.memory import AB24, AR24, RG16, XB24, XR24, Memory, picture
from tests.media.helpers import until

LAYOUTS = [(False, False), (False, True), (True, False), (True, True)]


class Shown:
    """A framebuffer that DMA-BUFs are shown in."""

    def __init__(self, graphics: GraphicsThread) -> None:
        self.framebuffer = Framebuffer()
        self.damage = self.framebuffer.subscribe(lambda: None)
        self.problems: list[str] = []
        self.scanouts = 0
        self.dmabufs = DmabufScanout(
            self.framebuffer, graphics, on_problem=self.problems.append, on_shown=self._shown
        )

    def _shown(self) -> None:
        self.scanouts += 1

    async def show(self, memory: Memory, **options: object) -> None:
        count, problems = self.scanouts, len(self.problems)
        self.dmabufs.scanout(memory.scanout(**options))  # type: ignore[arg-type]
        await until(lambda: self.scanouts > count or len(self.problems) > problems)

    async def update(self, rect: Rect) -> None:
        await self.dmabufs.update(rect)
        await until(lambda: bool(self.damage.take()))


@pytest.fixture
async def shown(graphics: GraphicsThread) -> AsyncIterator[Shown]:
    made = Shown(graphics)
    yield made
    made.dmabufs.leave()


@pytest.mark.parametrize("size", [(64, 32), (640, 480), (61, 33), (1, 1), (10, 2), (1366, 768)])
@pytest.mark.parametrize("layout", LAYOUTS)
async def test_planes_are_those_of_the_same_picture_in_memory(
    shown: Shown, size: tuple[int, int], layout: tuple[bool, bool]
) -> None:
    pixels = picture(*size)
    with Memory(pixels) as memory:
        await shown.show(memory)
        assert (shown.framebuffer.width, shown.framebuffer.height) == size and shown.problems == []
        got = await converted(converter(shown.framebuffer, layout), shown.framebuffer)
    assert furthest(got, in_memory(pixels, layout)) <= 1


@pytest.mark.parametrize("fourcc", [XR24, AR24, XB24, AB24])
async def test_a_fourcc_says_where_red_is(shown: Shown, fourcc: int) -> None:
    pixels = picture(64, 48)
    swapped = pixels[..., [2, 1, 0, 3]]
    with Memory(swapped if fourcc in (XB24, AB24) else pixels) as memory:
        await shown.show(memory, fourcc=fourcc)
        got = await converted(converter(shown.framebuffer, (True, False)), shown.framebuffer)
    assert furthest(got, in_memory(pixels, (True, False))) <= 1


async def test_sixteen_bits_a_pixel_are_what_the_driver_makes_of_them(shown: Shown) -> None:
    with Memory(np.full((16, 16, 2), 0xFF, np.uint8)) as memory:
        await shown.show(memory, fourcc=RG16)
        got = await converted(converter(shown.framebuffer, (True, False)), shown.framebuffer)
    assert [int(np.min(plane)) for plane in got] == [255, 128, 128]


async def test_y0_top_means_that_memory_begins_at_the_bottom(shown: Shown) -> None:
    pixels = picture(62, 34)
    with Memory(pixels[::-1]) as memory:
        await shown.show(memory, bottom_up=True)
        got = await converted(converter(shown.framebuffer, (False, False)), shown.framebuffer)
    assert furthest(got, in_memory(pixels, (False, False))) <= 1


@pytest.mark.parametrize("bottom_up", [False, True])
async def test_a_part_of_a_larger_buffer_is_shown(shown: Shown, bottom_up: bool) -> None:
    buffer, part = picture(200, 100), Rect(36, 10, 64, 48)
    pixels = buffer[part.y : part.bottom, part.x : part.right]
    with Memory(buffer) as memory:
        await shown.show(memory, part=part, bottom_up=bottom_up)
        got = await converted(converter(shown.framebuffer, (True, False)), shown.framebuffer)
    assert (
        furthest(got, in_memory(np.ascontiguousarray(pixels[::-1] if bottom_up else pixels), (True, False)))
        <= 1
    )


async def test_an_offset_and_a_long_stride_are_followed(shown: Shown) -> None:
    pixels = picture(64, 48)
    with Memory(pixels, offset=4096, stride=512) as memory:
        await shown.show(memory)
        got = await converted(converter(shown.framebuffer, (True, False)), shown.framebuffer)
    assert furthest(got, in_memory(pixels, (True, False))) <= 1


@pytest.mark.parametrize("bottom_up", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
async def test_only_damage_is_copied_and_converted(
    shown: Shown, layout: tuple[bool, bool], bottom_up: bool
) -> None:
    """Elsewhere the old picture stays, though QEMU's memory has another by now."""
    old, new = picture(160, 120, 1), picture(160, 120, 2)
    damage = Rect(50, 30, 21, 17)
    with Memory(old[::-1] if bottom_up else old) as memory:
        await shown.show(memory, bottom_up=bottom_up)
        made = converter(shown.framebuffer, layout)
        before = await converted(made, shown.framebuffer)
        memory.draw(new[::-1] if bottom_up else new)
        await shown.update(damage)
        after = await converted(made, shown.framebuffer, [damage])
    mixed = old.copy()
    inside = (slice(damage.y, damage.bottom), slice(damage.x, damage.right))
    mixed[inside] = new[inside]
    assert furthest(after, in_memory(mixed, layout)) <= 1
    assert furthest(after, before) > 50


async def test_rectangles_that_overlap_are_converted_once_for_all(shown: Shown) -> None:
    pixels = picture(64, 64)
    with Memory(pixels) as memory:
        await shown.show(memory)
        made = converter(shown.framebuffer, (False, False))
        got = await converted(made, shown.framebuffer, [Rect(0, 0, 60, 60)] * 16)
    assert furthest(got, in_memory(pixels, (False, False))) <= 1


async def test_written_parts_are_told_in_the_frames_own_pixels(shown: Shown) -> None:
    with Memory(picture(100, 50)) as memory:
        await shown.show(memory)
        surface = shown.framebuffer.picture
        whole = converter(shown.framebuffer, (False, False))
        assert await asyncio.to_thread(whole.convert, surface, [Rect(91, 3, 9, 2)]) == [Rect(88, 2, 12, 4)]
        half = converter(shown.framebuffer, (False, True))
        assert await asyncio.to_thread(half.convert, surface, [Rect(91, 3, 9, 2)]) == [Rect(40, 0, 10, 4)]
        assert await asyncio.to_thread(half.convert, surface, []) == []


async def test_a_picture_goes_from_memory_to_the_card_and_back_in_one_frame(shown: Shown) -> None:
    """As when a guest that draws with OpenGL reboots: of the same size it is damage like any other."""
    flat, pixels = picture(64, 48, 3), picture(64, 48)
    shown.framebuffer.scanout(64, 48, 256, 0x20020888, flat.tobytes())
    made = converter(shown.framebuffer, (True, False))
    assert furthest(await converted(made, shown.framebuffer), in_memory(flat, (True, False))) == 0
    with Memory(pixels) as memory:
        await shown.show(memory)
        assert shown.damage.take() == (Rect(0, 0, 64, 48),)
        assert furthest(await converted(made, shown.framebuffer), in_memory(pixels, (True, False))) <= 1
    shown.framebuffer.update(0, 0, 32, 48, 128, 0x20020888, flat[:, :32].tobytes())
    assert shown.framebuffer.surface is None
    got = await converted(made, shown.framebuffer, [Rect(0, 0, 32, 48)])
    half = pixels.copy()
    half[:, :32] = flat[:, :32]
    assert furthest(got, in_memory(half, (True, False))) <= 1
