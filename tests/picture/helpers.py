"""Picture data as QEMU would send it."""

import numpy as np

from libvirt_webrtc.picture.pixels import PixelFormat

BGRX = PixelFormat.X8R8G8B8


def noise(width: int, height: int, stride: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).integers(0, 256, stride * height, np.uint8).tobytes()


def fill(value: int, width: int, height: int) -> bytes:
    return bytes([value]) * (width * height * 4)
