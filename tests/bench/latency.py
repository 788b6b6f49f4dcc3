"""From a key's message to the changed pixel, at the decoder; over a WebSocket, and for noVNC, at the canvas."""

from collections import defaultdict
from dataclasses import dataclass

from tests.bench.figures import Figure, Figures
from tests.bench.screens import Screen, screens
from tests.bench.stage import Stage, pause_s, progress

BLOCK = 10
"""How many keys are pressed on one screen before the other one has its turn."""
RATE_S = 2.0


@dataclass(frozen=True, slots=True)
class Scene:
    """The key that chooses what the guest shows meanwhile."""

    key: str
    """The name of its figure without the unit."""
    chosen_by: str
    moving: bool


SCENES = (
    Scene("key_to_pixel", "F1", moving=False),
    Scene("key_to_pixel_small", "F2", moving=True),
    Scene("key_to_pixel_scroll", "F3", moving=True),
)


async def run(stage: Stage) -> Figures:
    """Someone types, slowly, in each scene of a guest: in turns on our page, over each transport, and on noVNC's."""
    shown = await screens(stage)
    figures: Figures = {}
    for scene in SCENES:
        figures.update(await _measure(stage, shown, scene))
    for ours in (screen for screen in shown if screen.prefix != "novnc_"):
        assert await ours.page.evaluate("window.libvirtWebRTC.connections") == 1, "the connection was lost"
    return figures


async def _measure(stage: Stage, shown: list[Screen], scene: Scene) -> Figures:
    latencies: dict[str, list[float]] = defaultdict(list)
    rates: dict[str, list[float]] = defaultdict(list)
    runs = stage.options.runs
    for done in range(0, runs, BLOCK):
        for screen in shown:
            async with screen.alone(shown):
                await screen.choose(scene.chosen_by)
                for _ in range(min(BLOCK, runs - done)):
                    latencies[screen.prefix].append(await screen.key_to_pixel_ms(pause_s()))
                if scene.moving:
                    rates[screen.prefix].append(await screen.rate(RATE_S))
            latest = latencies[screen.prefix][-1]
            progress(f"{screen.prefix}{scene.key} {len(latencies[screen.prefix])}/{runs}: {latest:.0f} ms")
    figures = {f"{prefix}{scene.key}_ms": Figure.of(ms) for prefix, ms in latencies.items()}
    figures |= {f"{prefix}{scene.key}_fps": Figure.of(fps, "frames/s") for prefix, fps in rates.items()}
    return figures | over_novnc(figures)


def over_novnc(figures: Figures) -> Figures:
    """How many times noVNC's median ours is, for each figure that both have."""
    return {
        f"{key}_over_novnc": Figure.of([figure.median / other.median], "ratio")
        for key, figure in figures.items()
        if (other := figures.get(f"novnc_{key.removeprefix('websocket_')}")) is not None and other.median
    }
