"""What bringing damage into the encoder's picture costs: CPU time of the thread, and against a copy of the pixels."""

import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import numpy as np

from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.picture.pixels import Rect
from tests.bench.figures import Figure, Figures
from tests.bench.pictures import SIZES, scroll
from tests.bench.stage import Options

SMALL = Rect(100, 100, 200, 20)
REPEATS = 5


async def run(options: Options) -> Figures:
    """Whole pictures and a small rectangle, in turns, of every size and layout."""
    samples: dict[str, list[float]] = defaultdict(list)
    for name, (width, height) in SIZES.items():
        pixels, _ = next(scroll(width, height))
        whole = Rect(0, 0, width, height)
        target = np.empty_like(pixels)
        converters = {
            "420": FrameConverter(width, height),
            "444": FrameConverter(width, height, full_chroma=True),
        }
        for _ in range(options.runs):
            copied = _cpu_ms(partial(np.copyto, target, pixels))
            samples[f"memcpy_{name}_ms"].append(copied)
            for layout, converter in converters.items():
                taken = _cpu_ms(partial(converter.convert, pixels, [whole]))
                samples[f"convert_{layout}_{name}_ms"].append(taken)
                samples[f"convert_{layout}_{name}_over_memcpy"].append(taken / copied)
                small = _cpu_ms(partial(converter.convert, pixels, [SMALL]))
                samples[f"convert_{layout}_{name}_200x20_ms"].append(small)
    return {key: Figure.of(values, _unit(key)) for key, values in samples.items()}


def _unit(key: str) -> str:
    return "ms" if key.endswith("_ms") else "ratio"


def _cpu_ms(work: Callable[[], object]) -> float:
    """Return the shortest of a few times: everything else that the machine does only adds to it."""
    times = []
    for _ in range(REPEATS):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return 1000 * min(times)
