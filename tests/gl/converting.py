"""Planes of a picture that OpenGL reads, and of the same picture in memory."""

import asyncio
from collections.abc import Sequence

import numpy as np

from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.media.convert.yuv import plane_view
from libvirt_webrtc.picture.framebuffer import Framebuffer
from libvirt_webrtc.picture.pixels import Pixels, Rect


def converter(framebuffer: Framebuffer, layout: tuple[bool, bool]) -> FrameConverter:
    full_chroma, downsample = layout
    return FrameConverter(
        framebuffer.width, framebuffer.height, full_chroma=full_chroma, scale=2 if downsample else 1
    )


def planes(made: FrameConverter) -> list[Pixels]:
    return [plane_view(plane).copy() for plane in made.frame.planes]


async def converted(
    made: FrameConverter, framebuffer: Framebuffer, damage: Sequence[Rect] = ()
) -> list[Pixels]:
    whole = Rect(0, 0, framebuffer.width, framebuffer.height)
    await asyncio.to_thread(made.convert, framebuffer.picture, damage or [whole])
    return planes(made)


def in_memory(pixels: Pixels, layout: tuple[bool, bool]) -> list[Pixels]:
    height, width = pixels.shape[:2]
    made = FrameConverter(width, height, full_chroma=layout[0], scale=2 if layout[1] else 1)
    made.convert(pixels, [Rect(0, 0, width, height)])
    return planes(made)


def furthest(got: Sequence[Pixels], want: Sequence[Pixels]) -> int:
    """The largest difference of any value."""
    return max(int(np.abs(one.astype(np.int16) - other).max()) for one, other in zip(got, want, strict=True))
