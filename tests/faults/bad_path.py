"""A viewer behind 3% loss, 100 ms there and back, and 4 Mbit/s, while a terminal scrolls or a guest draws."""

from libvirt_webrtc.media.aiortc_ext.patches import install
from tests.bench.far_input import keys
from tests.bench.figures import Figure
from tests.bench.netem import PATHS, watch_path
from tests.faults.scenario import Measured
from tests.faults.scene import Scene

KEYS = 150


async def run(_: Scene) -> list[Measured]:
    install()
    seen = await watch_path(PATHS["bad"], cut=False)
    took = await keys(KEYS)
    return [
        Measured("first picture", seen["first_picture_ms"] / 1000, 2.0),
        Measured("longest freeze", seen["longest_gap_ms"] / 1000, 2.0),
        Measured("longest gap of another viewer", seen["other_longest_gap_ms"] / 1000, 0.5),
        # As the page sends them, without a picture on the same path; all arrive, or this would not end.
        Measured("a key one way, p95", Figure.of(took["nudged"]).p95 / 1000, 0.25),
    ]
