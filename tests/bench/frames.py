"""How many different pictures a second reach one viewer's decoder while a 1080p guest moves; and noVNC's canvas."""

from collections import defaultdict

from tests.bench.figures import Figure, Figures
from tests.bench.latency import over_novnc
from tests.bench.screens import screens
from tests.bench.stage import Stage, progress

MODES = {"scroll": "F3", "motion": "F4", "motion60": "F5"}
"""The guest draws the first two at 30 Hz, the last one at 60, as far as it comes to it."""
RATE_S = 5.0


async def run(stage: Stage) -> Figures:
    """Look for five seconds at each mode, in turns on our page and on noVNC's."""
    shown = await screens(stage)
    rates: dict[str, list[float]] = defaultdict(list)
    for number in range(stage.options.runs):
        for screen in shown:
            async with screen.alone(shown):
                for name, key in MODES.items():
                    await screen.choose(key)
                    rates[f"{screen.prefix}{name}_fps"].append(await screen.rate(RATE_S))
        progress(
            f"frames {number + 1}/{stage.options.runs}: {rates['motion60_fps'][-1]:.1f} frames/s at 60 Hz"
        )
    figures = {key: Figure.of(fps, "frames/s") for key, fps in rates.items()}
    return figures | over_novnc(figures)
