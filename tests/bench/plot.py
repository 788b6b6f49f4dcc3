"""``python -m tests.bench.plot FOLDER``: the benches' results in FOLDER (``latency.json``...) as FOLDER/results.svg.

Needs matplotlib, which nothing else does: ``pip install .[plot]``.
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

OURS, OURS_444, OTHER, ANOTHER = "#2563eb", "#7c3aed", "#94a3b8", "#cbd5e1"
WIDTH = 0.8
"""Of all bars at one place together."""

Figures = dict[str, dict[str, float]]
"""Key to ``median``, ``p95``..., as in a bench's output."""


def main(folder: Path) -> None:
    """Draw the four results."""
    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "libvirt-webrtc", "axes.spines.top": False})
    figure, axes = plt.subplots(2, 2, figsize=(9.5, 7), layout="constrained")
    draw = {"latency": _keys, "encode": _frame, "fanout": _viewers, "refine": _words}
    for place, (bench, panel) in zip(axes.flat, draw.items(), strict=True):
        panel(place, json.loads((folder / f"{bench}.json").read_text())["figures"])
    # No date, so that the same results make the same file.
    figure.savefig(folder / "results.svg", metadata={"Date": None})


def _keys(axes: Axes, figures: Figures) -> None:
    scenes = {
        "still": "key_to_pixel_ms",
        "small damage": "key_to_pixel_small_ms",
        "scroll": "key_to_pixel_scroll_ms",
    }
    who = {"this program": ("", OURS), "noVNC": ("novnc_", OTHER)}
    rows = {
        label: (colour, [prefix + key for key in scenes.values()])
        for label, (prefix, colour) in who.items()
        if prefix + scenes["still"] in figures
    }
    for at, keys in _bars(axes, figures, rows):
        axes.scatter(at, [figures[key]["p95"] for key in keys], marker="_", color="#334155", s=90)
    _finish(axes, "Key to changed pixel, 1080p", "ms; dash: 95th percentile", list(scenes))


def _frame(axes: Axes, figures: Figures) -> None:
    scenes = ["caret", "scroll", "motion"]
    coders = {
        "4:2:0": ("h264", OURS),
        "4:4:4": ("h264_444", OURS_444),
        "aiortc H.264": ("aiortc_h264", OTHER),
    }
    rows = {
        label: (colour, [f"{scene}_1080p_{coder}_ms" for scene in scenes])
        for label, (coder, colour) in coders.items()
    }
    _bars(axes, figures, rows)
    _finish(axes, "Encoding one frame, 1080p", "ms of CPU", scenes)


def _viewers(axes: Axes, figures: Figures) -> None:
    counts = [1, 4, 20]
    kinds = {
        "4:2:0": ("cpu_", OURS),
        "4:4:4": ("cpu_444_", OURS_444),
        "aiortc H.264": ("aiortc_h264_cpu_", OTHER),
        "aiortc VP8": ("aiortc_vp8_cpu_", ANOTHER),
    }
    rows = {label: (colour, [f"{key}{count}" for count in counts]) for label, (key, colour) in kinds.items()}
    for at, keys in _bars(axes, figures, rows):
        for x, key in zip(at, keys, strict=True):
            if key in figures:
                rate = figures[key.replace("cpu", "fps_min")]["median"]
                axes.annotate(
                    f"{rate:.0f}", (x, figures[key]["median"]), ha="center", va="bottom", fontsize=7
                )
    _finish(axes, "1080p scroll for many viewers", "cores; above: frames/s of each", [f"{n}" for n in counts])


def _words(axes: Axes, figures: Figures) -> None:
    channels = ["luma", "red", "green", "blue"]
    moments = {
        "after 300 ms": ("refine_1080p_300ms", OURS),
        "after 1 s": ("refine_1080p_1000ms", OURS_444),
        "limit of 8-bit YUV": ("limit_1080p", OTHER),
    }
    rows = {
        label: (colour, [f"{key}_{channel}_db" for channel in channels])
        for label, (key, colour) in moments.items()
    }
    _bars(axes, figures, rows)
    axes.set_ylim(30, 75)  # room for the legend
    _finish(axes, "Coloured words once they stand still, Chromium", "dB", channels)


def _bars(
    axes: Axes, figures: Figures, rows: dict[str, tuple[str, list[str]]]
) -> list[tuple[list[float], list[str]]]:
    """Rows (label to colour and keys) of bars beside each other; where each row's are, and its keys."""
    placed = []
    for row, (label, (colour, keys)) in enumerate(rows.items()):
        at = [number + (row - (len(rows) - 1) / 2) * WIDTH / len(rows) for number in range(len(keys))]
        # What was not measured has no bar.
        medians = [figures[key]["median"] if key in figures else 0.0 for key in keys]
        axes.bar(at, medians, WIDTH / len(rows) * 0.92, label=label, color=colour)
        placed.append((at, keys))
    return placed


def _finish(axes: Axes, title: str, unit: str, places: list[str]) -> None:
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_ylabel(unit)
    axes.set_xticks(range(len(places)), places)
    axes.spines["right"].set_visible(False)
    axes.legend(frameon=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
