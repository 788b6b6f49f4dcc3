"""Each bench runs and prints what it promises. How fast it was is not looked at: see tests/bench."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.bench.figures import Figure
from tests.bench.registry import BENCHES

CHECKOUT = Path(__file__).parents[2]

KEYS = {
    "fanout": {"cpu_1", "cpu_4_over_1", "aiortc_over_ours_cpu_per_viewer_frame_4", "loop_lag_ms_20"},
    "far_input": {"bad_key_one_way_plain_ms", "bad_key_one_way_nudged_ms"},
    "first_picture": {"first_picture_ms", "first_picture_cold_ms"},
    "frames": {"scroll_fps", "motion_fps", "motion60_fps", "sent_small60_fps"},
    "latency": {"key_to_pixel_ms", "key_to_pixel_small_ms", "key_to_pixel_scroll_ms"},
    "convert": {"convert_420_1080p_ms", "convert_444_1080p_ms", "convert_444_1080p_over_memcpy"},
    "encode": {"scroll_1080p_h264_ms", "scroll_1080p_h264_444_ssim_percent", "refine_psnr_db"},
    "refine": {"refine_1080p_300ms_luma_db", "refine_1080p_1000ms_blue_db", "limit_1080p_green_db"},
    "gl": {"watched_reply_ms", "unwatched_reply_ms", "watched_fps", "unwatched_fps", "card_444_1080p_ms"},
    "hook": {"restore_ms", "migrate_ms", "prepare_ms"},
    "idle": {"idle_domain_pss_mb", "idle_cpu_percent", "still_viewer_kbit_s", "still_cpu_percent"},
    "ingest": {"scanout_over_floor", "scanout_mb_s", "scanout_cpu_ms", "update_map_cpu_us"},
    "netem": {"bad_longest_gap_ms", "bad_other_longest_gap_ms", "cut_longest_gap_ms"},
    "soak": {"worker_rss_mb", "worker_fds", "worker_rss_slope_mb_h"},
    "revocation": {"role_gone_to_page_disconnected_ms", "session_ended_to_stubborn_viewer_ended_ms"},
    "recovery": {"worker_kill_to_new_picture_ms", "start_to_listed_ms", "destroy_to_gone_ms"},
}
UNITS = {
    "%",
    "CPU s/s",
    "MB",
    "MB/s",
    "Mbit/s",
    "dB",
    "descriptors",
    "frames/s",
    "kbit/s",
    "ms",
    "ratio",
    "threads",
    "us",
}
MAY_SHRINK = "MB/h"
SLOW = {
    "encode",
    "fanout",
    "far_input",
    "first_picture",
    "frames",
    "gl",
    "idle",
    "netem",
    "recovery",
    "refine",
    "revocation",
    "soak",
}
"""Twenty seconds or more each."""
RUNS = 2
SECONDS = 2


def test_median_and_percentiles_are_of_all_samples() -> None:
    assert Figure.of([float(ms) for ms in range(100, 0, -1)]) == Figure(5, 50.5, 95, 99, 100, "ms")
    assert Figure.of([3.14159]) == Figure(3.14, 3.14, 3.14, 3.14, 1, "ms")


def test_every_bench_has_its_keys_told_here() -> None:
    assert BENCHES.keys() == KEYS.keys()


@pytest.mark.libvirt
@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "browser"),
    [
        *(pytest.param(name, "chromium", marks=[pytest.mark.long] if name in SLOW else []) for name in KEYS),
        *(pytest.param(name, "firefox", marks=pytest.mark.long) for name in ("frames", "latency")),
    ],
)
async def test_bench_prints_one_json_object(libvirt_uri: str, guests: Path, name: str, browser: str) -> None:
    options = ("--runs", str(RUNS), "--seconds", str(SECONDS), "--browser", browser)
    bench = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench", name, *options),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await bench.communicate()
    assert bench.returncode == 0
    result = json.loads(printed)
    assert result["bench"] == name and result["options"]["browser"] == browser
    assert {"cpu", "cores", "kernel", "load"} <= result["machine"].keys()
    assert {"python", "aiortc", "av", "qemu", "libvirt", "libvirt_webrtc"} <= result["versions"].keys()
    figures = result["figures"]
    assert KEYS[name] <= figures.keys()
    for key, figure in figures.items():
        assert figure.keys() == {"p5", "median", "p95", "p99", "n", "unit"}
        assert 1 <= figure["n"] <= RUNS
        assert figure["p5"] <= figure["median"] <= figure["p95"] <= figure["p99"], key
        assert figure["unit"] == MAY_SHRINK or (figure["unit"] in UNITS and figure["median"] > 0), key
