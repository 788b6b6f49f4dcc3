"""Paints the parts of the demo guests' still picture, as `common/still.c`, `blocks.c`, `words.c` and `cross.c` do.

Colours and words are the same as there, and the font is read from the same `common/font.h`.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .blocks import CELL, CELLS, Key, keys_rows, nonce_rows, pointer_rows
from .layout import CROSS_ARM, Layout, Pointer, Rect, Rgb

CARD, BORDER, STAGE, DOT, TERMINAL = 0x111A2E, 0x2D3D5C, 0x0D1526, 0x24324D, 0x0B0F18
BRIGHT, MUTED, ACCENT = 0xF2F5F9, 0x93A4BF, 0x7DD3FC
CELL_DARK, CELL_LIGHT = 0x0B0F16, 0xF2F5F9
CROSS, CROSS_EDGE = 0xFDE047, 0x111111
BARS = (0xF1F5F9, 0xFACC15, 0x22D3EE, 0x4ADE80, 0xE879F9, 0xF87171, 0x60A5FA, 0x1E293B)
INKS = (0xE2E8F0, 0xFCA5A5, 0xFDBA74, 0xFDE047, 0x86EFAC, 0x67E8F9, 0x93C5FD, 0xF0ABFC)
WORDS = (
    "kernel guest console frame damage stride scanout pixel offer answer track virtio usb pci irq ok mount eth0 "
    "ssh login 0x7f3a 1080p done sha256 packet jitter codec latency [info] /dev/vda --help 100%"
).split()
HELP = (
    ("F1", "still"),
    ("F2", "small"),
    ("F3", "scroll"),
    ("F4", "30 Hz"),
    ("F5", "60 Hz"),
    ("F6", "size"),
    ("F7", "1080p"),
    ("F8", "words"),
)


class Painter:
    """Begins with the ground: a gradient."""

    def __init__(self, width: int, height: int) -> None:
        self.layout = Layout(width, height)
        x, y = np.arange(width)[None, :], np.arange(height)[:, None]
        channels = [
            11 + 24 * x // width + 8 * y // height,
            18 + 10 * x // width + 26 * y // height,
            32 + 34 * x // width + 30 * y // height,
        ]
        self.picture: Rgb = np.stack(channels, axis=2).astype(np.uint8)

    def fill(self, rect: Rect, colour: int) -> None:
        self.picture[rect.slices] = _colour(colour)

    def fill_rounded(self, rect: Rect, radius: int, colour: int) -> None:
        for y in range(rect.height):
            dy = radius - y if y < radius else max(0, y - (rect.height - radius - 1))
            inset = 0
            while dy and inset < radius and (radius - inset) ** 2 + dy * dy > radius * radius:
                inset += 1
            self.fill(Rect(rect.x + inset, rect.y + y, rect.width - 2 * inset, 1), colour)

    def text(self, x: int, y: int, font: str, colour: int, string: str) -> None:
        """x, y in pixels."""
        glyphs, unit = _font(font), self.layout.unit
        for char in string:
            index = "0123456789ABCDEF".index(char) if font == "32x64" else ord(char) - 32
            glyph = glyphs[index].repeat(unit, axis=0).repeat(unit, axis=1)
            self.picture[y : y + glyph.shape[0], x : x + glyph.shape[1]][glyph] = _colour(colour)
            x += glyph.shape[1]

    def code(self, rect: Rect, rows: Sequence[int]) -> None:
        cell = CELL * self.layout.unit
        for row, value in enumerate(rows):
            for column in range(CELLS):
                light = value >> (CELLS - 1 - column) & 1
                at = Rect(rect.x + column * cell, rect.y + row * cell, cell, cell)
                self.fill(at, CELL_LIGHT if light else CELL_DARK)

    def card(self, rect: Rect, colour: int) -> None:
        u = self.layout.unit
        self.fill_rounded(rect, 10 * u, BORDER)
        inner = Rect(rect.x + u, rect.y + u, rect.width - 2 * u, rect.height - 2 * u)
        self.fill_rounded(inner, 9 * u, colour)

    def static(self, nonce: int) -> None:
        layout, u = self.layout, self.layout.unit
        wide, high = layout.width // u, layout.height // u
        left, right = 24, wide - 312
        self.text(left * u, 20 * u, "16x32", BRIGHT, "libvirt-webrtc demo")
        self.text(left * u, 56 * u, "8x16", MUTED, "a guest whose every pixel is known")
        size = f"{layout.width}x{layout.height}"
        self.text((right - 16 * len(size)) * u, 20 * u, "16x32", ACCENT, size)
        self.text(left * u, 84 * u, "32x64", ACCENT, f"{nonce:08X}")
        self.text((left + 272) * u, 108 * u, "8x16", MUTED, "nonce")

        bars = layout.bars
        for i, colour in enumerate(BARS):
            x0, x1 = bars.width * i // 8, bars.width * (i + 1) // 8
            self.fill(Rect(bars.x + x0, bars.y, x1 - x0, bars.height), colour)
        ramp = (255 * np.arange(bars.width) // (bars.width - 1)).astype(np.uint8)
        under = Rect(bars.x, bars.y + bars.height, bars.width, 12 * u)
        self.picture[under.slices] = ramp[None, :, None]

        stage = layout.stage
        self.card(stage, STAGE)
        for y in range(stage.y + 32 * u, stage.y + stage.height - 12 * u, 32 * u):
            for x in range(stage.x + 32 * u, stage.x + stage.width - 12 * u, 32 * u):
                inside_x = min(x + 2 * u, stage.x + stage.width - 12 * u) - x
                inside_y = min(y + 2 * u, stage.y + stage.height - 12 * u) - y
                self.fill(Rect(x, y, inside_x, inside_y), DOT)
        self.text((left + 14) * u, 240 * u, "8x16", MUTED, "moving zone")

        at = 24
        for key, meaning in HELP:
            self.text(at * u, (high - 34) * u, "8x16", ACCENT, key)
            self.text((at + 24) * u, (high - 34) * u, "8x16", MUTED, meaning)
            at += 24 + 8 * len(meaning) + 20
        for y, height in ((16, 80), (104, 104), (216, 280)):
            self.card(Rect((wide - 288) * u, y * u, 272 * u, height * u), CARD)
        self.code(layout.nonce, nonce_rows(nonce))

    def words(self, nonce: int) -> None:
        zone, u = self.layout.zone, self.layout.unit
        state = (nonce ^ 0x9E3779B9) | 1

        def random() -> int:
            nonlocal state
            state ^= state << 13 & 0xFFFFFFFF
            state ^= state >> 17
            state ^= state << 5 & 0xFFFFFFFF
            return state >> 8

        self.fill(zone, TERMINAL)
        columns = zone.width // (8 * u) - 2
        for y in range(zone.y, zone.y + zone.height - 16 * u + 1, 16 * u):
            column = 0
            while True:
                word, ink = WORDS[random() & 31], INKS[random() & 7]
                if column + len(word) > columns:
                    break
                self.text(zone.x + (column + 1) * 8 * u, y, "8x16", ink, word)
                column += len(word) + 1

    def keys(self, keys: Sequence[Key]) -> None:
        layout, u = self.layout, self.layout.unit
        presses = sum(key.down for key in keys)
        self.fill(layout.patch, CELL_LIGHT if presses % 2 else CELL_DARK)
        self.fill(layout.last_key, CARD)
        x, y = layout.last_key[:2]
        last = f"{keys[-1].qnum:02X} {'down' if keys[-1].down else 'up'}" if keys else "--"
        self.text(x, y, "8x16", MUTED, "last key (qnum)")
        self.text(x, y + 24 * u, "16x32", BRIGHT, last)
        self.code(layout.keys, keys_rows(keys))

    def pointer(self, pointer: Pointer) -> None:
        rect = self.layout.pointer
        held = "".join(c if pointer.buttons >> i & 1 else "-" for i, c in enumerate("LMRSE"))
        sign = "-" if pointer.wheel < 0 else " "
        line = f"x {pointer.x:4} y {pointer.y:4}  {held}  wheel {sign}{abs(pointer.wheel):3}"
        self.fill(Rect(rect.x, rect.y, rect.width, 16 * self.layout.unit), CARD)
        self.text(rect.x, rect.y, "8x16", MUTED, line)
        self.code(self.layout.pointer_code, pointer_rows(pointer))

    def cross(self, pointer: Pointer) -> None:
        view = self.picture
        x, y, a = pointer.x, pointer.y, CROSS_ARM
        for cx, cy, w, h, colour in (
            (x - a, y - 1, 2 * a + 1, 3, CROSS_EDGE),
            (x - 1, y - a, 3, 2 * a + 1, CROSS_EDGE),
            (x - a + 1, y, 2 * a - 1, 1, CROSS),
            (x, y - a + 1, 1, 2 * a - 1, CROSS),
        ):
            view[max(cy, 0) : max(cy + h, 0), max(cx, 0) : max(cx + w, 0)] = _colour(colour)


@cache
def _font(name: str) -> npt.NDArray[np.bool_]:
    """Glyphs of font.h's table, (glyphs, height, width)."""
    source = (Path(__file__).parent / "common" / "font.h").read_text()
    found = re.search(rf"font_{name}\[(\d+)\]\[(\d+)\] = \{{(.*?)\n\}};", source, re.DOTALL)
    if found is None:
        raise ValueError(f"font.h has no font_{name}")
    rows = np.array([int(word, 16) for word in re.findall(r"0x[0-9a-f]+", found[3])], np.uint32)
    width = int(name.split("x")[0])
    bits = rows[:, None] >> np.arange(width - 1, -1, -1, dtype=np.uint32) & 1
    return bits.astype(np.bool_).reshape(int(found[1]), int(found[2]), width)


def _colour(value: int) -> tuple[int, int, int]:
    return value >> 16, value >> 8 & 0xFF, value & 0xFF
