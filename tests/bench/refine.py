"""How sharp coloured words are in Chromium's canvas 300 ms and 1 s after they stopped moving, 4:4:4, on loopback."""

import asyncio
import base64
import io
from collections import defaultdict

import numpy as np
from PIL import Image

from examples.guests.layout import Rgb, dynamic_mask
from examples.guests.picture import expected
from tests.bench.figures import Figure, Figures
from tests.bench.stage import Stage, pause_s, probe, progress
from tests.e2e.viewer import DEADLINE_S, Viewer
from tests.support.decibels import decibels, rounded

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080)}
SCROLL_S = 2.0
MOMENTS_MS = (300, 1000)
SAMPLE = (16, 16, 256, 128)
"""The part of the picture by which the page recognises the words: x, y, width, height."""


async def run(stage: Stage) -> Figures:
    """Scroll, then have the guest show its words at once: from their first frame on the picture is still.

    The figures named ``limit`` are what rounding to 8-bit YUV leaves of the words without any codec.
    """
    samples: dict[str, list[float]] = defaultdict(list)
    for name, (width, height) in SIZES.items():
        guest = stage.guest(f"mode={width}x{height}")
        viewer = await Viewer.open(stage.browser, stage.portal, guest)
        await viewer.wait_known_picture()
        want = expected(width, height, int(guest.nonce, 16), words=True)
        static = ~dynamic_mask(width, height, moving="nothing")
        for number in range(stage.options.runs):
            await viewer.press("F3")
            await asyncio.sleep(SCROLL_S + pause_s())
            for moment, rgb in zip(MOMENTS_MS, await _still(viewer, want), strict=True):
                for channel, value in decibels(rgb, want, static)._asdict().items():
                    samples[f"refine_{name}_{moment}ms_{channel}_db"].append(value)
            at_last = samples[f"refine_{name}_{MOMENTS_MS[-1]}ms_luma_db"][-1]
            progress(f"refine {name} {number + 1}/{stage.options.runs}: {at_last} dB")
        for channel, value in decibels(rounded(want), want, static)._asdict().items():
            samples[f"limit_{name}_{channel}_db"].append(value)
        await viewer.page.close()
        guest.destroy()
    return {key: Figure.of(values, "dB") for key, values in samples.items()}


async def _still(viewer: Viewer, want: Rgb) -> list[Rgb]:
    """Have the guest show its words; the canvas at each moment after their first frame was presented."""
    x, y, width, height = SAMPLE
    part = want[y : y + height, x : x + width].reshape(-1).tolist()
    arguments = {"sample": SAMPLE, "part": part, "moments": MOMENTS_MS}
    # Looking on before the key is pressed: a picture that is fine soon brings no frame after that.
    await viewer.page.evaluate(
        f"arguments => {{ window.stillness = ({probe('stillness')})(arguments); }}", arguments
    )
    await viewer.press("F8")
    async with asyncio.timeout(DEADLINE_S):
        pictures = await viewer.page.evaluate("() => window.stillness")
    return [_rgb(picture) for picture in pictures]


def _rgb(url: str) -> Rgb:
    png = base64.b64decode(url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
