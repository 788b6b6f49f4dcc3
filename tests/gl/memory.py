"""Pictures in memory that stand for a graphics card's: software imports any memfd as a DMA-BUF."""

import os
from types import TracebackType
from typing import Self

import numpy as np

from libvirt_webrtc.display.dmabuf import Dmabuf, part_of_buffer
from libvirt_webrtc.picture.pixels import Pixels, Rect

XR24, AR24, XB24, AB24, RG16 = (
    int.from_bytes(name, "little") for name in (b"XR24", b"AR24", b"XB24", b"AB24", b"RG16")
)


def picture(width: int, height: int, seed: int = 1) -> Pixels:
    """Noise, ``(height, width, 4)``, B, G, R and 255: any shift or swap of it is seen."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels


class Memory:
    """A memfd that holds a picture; the descriptor ends with it."""

    def __init__(self, pixels: Pixels, *, stride: int | None = None, offset: int = 0) -> None:
        """``pixels`` as they lie in memory, row by row."""
        self.height, self.width = pixels.shape[:2]
        row = pixels.shape[1] * pixels.shape[2]
        self.stride = stride or row
        self.offset = offset
        self.fd = os.memfd_create("picture")
        os.truncate(self.fd, offset + self.stride * self.height)
        self.draw(pixels)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.fd)

    def draw(self, pixels: Pixels) -> None:
        """Other content."""
        for row, values in enumerate(pixels):
            os.pwrite(self.fd, values.tobytes(), self.offset + row * self.stride)

    def scanout(
        self,
        *,
        fourcc: int = XR24,
        modifier: int = 0,
        bottom_up: bool = False,
        part: Rect | None = None,
    ) -> Dmabuf:
        """As QEMU would offer it, with a descriptor of its own."""
        whole = Rect(0, 0, self.width, self.height)
        size = (self.width, self.height)
        return part_of_buffer(
            [os.dup(self.fd)],
            part or whole,
            1,
            [self.offset],
            [self.stride],
            size,
            fourcc,
            modifier,
            bottom_up,
        )
