"""``python -m tests.bench.plot FOLDER``: the benches' results in FOLDER (``latency.json``...) as FOLDER/results.svg.

Needs matplotlib, which nothing else does: ``pip install .[plot]``.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

OURS, OURS_444, OTHER, ANOTHER = "#2563eb", "#7c3aed", "#94a3b8", "#cbd5e1"
WIDTH = 0.8
"""Of all bars at one place together."""

Medians = dict[str, float]


def main(folder: Path) -> None:
    """Draw what there is a result for."""
    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "libvirt-webrtc", "axes.spines.top": False})
    figure, ((keys, frame), (viewers, words)) = plt.subplots(2, 2, figsize=(9.5, 7), layout="constrained")
    _keys(keys, *_read(folder / "latency.json"))
    _frame(frame, *_read(folder / "encode.json"))
    _viewers(viewers, *_read(folder / "fanout.json"))
    _words(words, *_read(folder / "refine.json"))
    # No date, so that the same results make the same file.
    figure.savefig(folder / "results.svg", metadata={"Date": None})


def _read(path: Path) -> tuple[Medians, Medians]:
    """Medians and 95th percentiles."""
    figures = json.loads(path.read_text())["figures"]
    return tuple({key: figure[kind] for key, figure in figures.items()} for kind in ("median", "p95"))  # type: ignore[return-value]  # two


def _keys(axes: Axes, medians: Medians, p95: Medians) -> None:
    scenes = {
        "still": "key_to_pixel_ms",
        "small damage": "key_to_pixel_small_ms",
        "scroll": "key_to_pixel_scroll_ms",
    }
    who = {"this program": ("", OURS), "noVNC": ("novnc_", OTHER)}
    if "novnc_key_to_pixel_ms" not in medians:
        del who["noVNC"]
    for place, (label, (prefix, colour)) in enumerate(who.items()):
        keys = [prefix + key for key in scenes.values()]
        _bars(axes, place, len(who), label, colour, [medians.get(key, 0) for key in keys])
        _marks(axes, place, len(who), [p95.get(key, 0) for key in keys])
    _finish(axes, "Key to changed pixel, 1080p", "ms; dash: 95th percentile", list(scenes))


def _frame(axes: Axes, medians: Medians, _: Medians) -> None:
    scenes = ["caret", "scroll", "motion"]
    coders = {
        "4:2:0": ("h264", OURS),
        "4:4:4": ("h264_444", OURS_444),
        "aiortc H.264": ("aiortc_h264", OTHER),
    }
    for place, (label, (coder, colour)) in enumerate(coders.items()):
        values = [medians[f"{scene}_1080p_{coder}_ms"] for scene in scenes]
        _bars(axes, place, len(coders), label, colour, values)
    _finish(axes, "Encoding one frame, 1080p", "ms of CPU", scenes)


def _viewers(axes: Axes, medians: Medians, _: Medians) -> None:
    kinds = {
        "4:2:0": ("cpu_{}", OURS),
        "4:4:4": ("cpu_444_{}", OURS_444),
        "aiortc H.264": ("aiortc_h264_cpu_{}", OTHER),
        "aiortc VP8": ("aiortc_vp8_cpu_{}", ANOTHER),
    }
    counts = [1, 4, 20]
    for place, (label, (key, colour)) in enumerate(kinds.items()):
        rates = key.replace("cpu", "fps_min") if "444" not in key else "fps_min_444_{}"
        _bars(axes, place, len(kinds), label, colour, [medians.get(key.format(count), 0) for count in counts])
        for number, count in enumerate(counts):
            if key.format(count) in medians:
                at = _at(number, place, len(kinds)), medians[key.format(count)]
                axes.annotate(f"{medians[rates.format(count)]:.0f}", at, ha="center", va="bottom", fontsize=7)
    _finish(axes, "1080p scroll for many viewers", "cores; above: frames/s of each", [f"{n}" for n in counts])


def _words(axes: Axes, medians: Medians, _: Medians) -> None:
    channels = ["luma", "red", "green", "blue"]
    moments = {
        "after 300 ms": ("refine_1080p_300ms", OURS),
        "after 1 s": ("refine_1080p_1000ms", OURS_444),
        "limit of 8-bit YUV": ("limit_1080p", OTHER),
    }
    for place, (label, (key, colour)) in enumerate(moments.items()):
        values = [medians[f"{key}_{channel}_db"] for channel in channels]
        _bars(axes, place, len(moments), label, colour, values)
    axes.set_ylim(30, 75)  # room for the legend
    _finish(axes, "Coloured words once they stand still, Chromium", "dB", channels)


def _at(number: int, place: int, places: int) -> float:
    return number + (place - (places - 1) / 2) * WIDTH / places


def _bars(axes: Axes, place: int, places: int, label: str, colour: str, values: Sequence[float]) -> None:
    at = [_at(number, place, places) for number in range(len(values))]
    axes.bar(at, values, WIDTH / places * 0.92, label=label, color=colour)


def _marks(axes: Axes, place: int, places: int, values: Sequence[float]) -> None:
    at = [_at(number, place, places) for number in range(len(values))]
    axes.scatter(at, values, marker="_", color="#334155", s=90)


def _finish(axes: Axes, title: str, unit: str, places: list[str]) -> None:
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_ylabel(unit)
    axes.set_xticks(range(len(places)), places)
    axes.spines["right"].set_visible(False)
    axes.legend(frameon=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
