"""A pointer's pixels, as QEMU hands them on from the guest's driver, for a canvas."""

import numpy as np


def straight_rgba(pixels: bytes) -> bytes:
    """B, G, R, A as of ``CursorDefine`` to R, G, B and straight alpha.

    Drivers do not agree on what their colours are: virtio-gpu's are multiplied by alpha already (Linux' cursor planes),
    others' are not, and QEMU does not say which. A colour brighter than its alpha cannot have been multiplied; where
    there is none, that it was is the better guess, and where all is opaque, transparent or black no matter.
    """
    bgra = np.frombuffer(pixels, np.uint8).reshape(-1, 4)
    rgba = bgra[:, [2, 1, 0, 3]]
    alpha = rgba[:, 3:].astype(np.uint16)
    partial = (alpha > 0) & (alpha < 255)
    if ((rgba[:, :3] <= alpha) | ~partial).all():
        divided = (rgba[:, :3].astype(np.uint16) * 255 + alpha // 2) // np.maximum(alpha, 1)
        rgba[:, :3] = np.where(partial, divided, rgba[:, :3])
    return rgba.tobytes()
