"""A terminal that scrolls at 1080p, for benches without a guest."""

import random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from libvirt_webrtc.picture.pixels import Pixels

WIDTH, HEIGHT = 1920, 1080
LINE = 18
"""The height of a line of text in pixels: one step scrolls by it."""
LINES = 120
"""After this number of steps the text begins again, without a seam."""

_WORDS = (
    "kernel",
    "eth0:",
    "link",
    "up",
    "systemd[1]:",
    "Started",
    "0x7f3a",
    "OK",
    "/usr/lib",
    "error",
    "=>",
)
_COLOURS = ("#d0d0d0", "#7ec850", "#e0b040", "#6fa8ff", "#e06060")


class Scroll:
    """The picture at each step: ``(HEIGHT, WIDTH, 4)``, B, G, R, X, rows one after the other; always the same text."""

    def __init__(self) -> None:
        choose = random.Random(1)
        image = Image.new("RGB", (WIDTH, LINE * LINES), "#101418")
        painter, font = ImageDraw.Draw(image), ImageFont.load_default(15)
        for line in range(LINES):
            x = 8.0
            for _ in range(choose.randrange(4, 28)):
                word = choose.choice(_WORDS) + str(choose.randrange(1000))
                painter.text((x, line * LINE), word, choose.choice(_COLOURS), font)
                x += painter.textlength(word + " ", font)
        text = np.asarray(image)[..., ::-1]
        text = np.concatenate([text, text[:HEIGHT]])
        self._rows: Pixels = np.dstack([text, np.full(text.shape[:2], 255, np.uint8)])

    def picture(self, step: int) -> Pixels:
        top = step % LINES * LINE
        return self._rows[top : top + HEIGHT]
