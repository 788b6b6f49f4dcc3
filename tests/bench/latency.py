"""From a key's message to the changed pixel, where the frame leaves the decoder."""

import asyncio
from dataclasses import dataclass

from examples.guests.picture import Layout
from tests.bench.figures import Figure, Figures
from tests.bench.stage import Stage, pause_s, probe, progress
from tests.e2e.viewer import DEADLINE_S, Viewer

SIZE = (1920, 1080)
KEY = "KeyA"
HELD_MS = 50
"""As a typist holds it; a guest's own keyboard driver repeats a key from 250 ms on."""
QUIET_S = 2.0
"""After a mode of the guest began, before it is measured."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the guest shows meanwhile."""

    key: str
    """Of its figure, without the unit."""
    chosen_by: str
    moving: bool


SCENES = (
    Scene("key_to_pixel", "F1", moving=False),
    Scene("key_to_pixel_small", "F2", moving=True),
    Scene("key_to_pixel_scroll", "F3", moving=True),
)


async def run(stage: Stage) -> Figures:
    """One viewer of a 1080p guest types, slowly, in each scene."""
    guest = stage.guest(f"mode={SIZE[0]}x{SIZE[1]}")
    viewer = await Viewer.open(stage.browser, stage.portal, guest)
    await viewer.wait_known_picture()
    # The patch's function is an argument of evaluate(), which the pages' content security policy does not forbid.
    await viewer.page.evaluate(probe("key_to_pixel"), Layout(*SIZE).patch._asdict())
    figures: Figures = {}
    for scene in SCENES:
        await viewer.press(scene.chosen_by)
        await asyncio.sleep(QUIET_S)
        figures.update(await _measure(stage, viewer, scene))
    assert await viewer.handle("connections") == 1, "the connection was lost meanwhile"
    return figures


async def _measure(stage: Stage, viewer: Viewer, scene: Scene) -> Figures:
    latencies, rates = [], []
    for number in range(stage.options.runs):
        await viewer.page.evaluate("window.benchKeys.arm()")
        await asyncio.sleep(pause_s())
        await viewer.page.keyboard.press(KEY, delay=HELD_MS)
        async with asyncio.timeout(DEADLINE_S):
            seen = await viewer.page.evaluate("window.benchKeys.result()")
        if not seen["sent"] or seen["ms"] < 0:
            raise AssertionError("the patch changed without a key")
        latencies.append(seen["ms"])
        rates.append(seen["fps"])
        if number % 10 == 9:
            progress(f"{scene.key} {number + 1}/{stage.options.runs}: {latencies[-1]:.0f} ms")
    figures = {f"{scene.key}_ms": Figure.of(latencies)}
    if scene.moving:
        figures[f"{scene.key}_fps"] = Figure.of(rates, "frames/s")
    return figures
