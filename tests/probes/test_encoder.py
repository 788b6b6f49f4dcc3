"""Tests of hardware in processes that may crash, hang and print."""

import glob
import time
from pathlib import Path

import pytest

from libvirt_webrtc.media.encode.hardware import KINDS
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.probes import encoder as encoder_probe
from libvirt_webrtc.probes.encoder import DEVICES, find_hardware, probe
from tests.support.stuck import (
    IGNORES_SIGTERM,
    LEAVES_A_CHILD,
    SOON_S,
    STOPS_ITSELF,
    UNKILLABLE,
    python,
)

H264, H264_444 = VideoFormat.H264, VideoFormat.H264_444


def test_every_hardware_encoder_has_its_devices() -> None:
    assert list(DEVICES) == list(dict.fromkeys(kind.name for kind in KINDS))


async def test_what_passed_is_told_among_what_drivers_print(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    code = "print('libva info'); print('usable H264'); print('unusable H264_444 no such profile'); print('usable x')"
    assert await probe("h264_nvenc", *python(code)) == [H264]
    assert "h264_nvenc is not used for H264_444: no such profile" in caplog.text


async def test_a_driver_that_crashes_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    assert await probe("x", *python("print('usable H264', flush=True); import os; os.abort()")) == []
    assert "x is not used: its driver crashes (status -6)" in caplog.text


@pytest.mark.parametrize(
    "code", [IGNORES_SIGTERM, STOPS_ITSELF, UNKILLABLE], ids=["busy", "stopped", "stuck"]
)
async def test_a_driver_that_hangs_is_not_waited_for(
    code: str, pid_file: Path, short_trials: None, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    assert await probe("x", *python(code), str(pid_file)) == []
    assert time.monotonic() - began < SOON_S
    assert "x is not used: its driver hangs" in caplog.text


async def test_a_process_that_a_driver_leaves_behind_is_not_waited_for(pid_file: Path) -> None:
    began = time.monotonic()
    assert await probe("x", *python(LEAVES_A_CHILD), str(pid_file)) == []
    assert time.monotonic() - began < SOON_S


async def test_an_encoder_without_a_device_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glob, "glob", lambda pattern: [])
    monkeypatch.setattr(encoder_probe, "probe", None)
    assert await find_hardware() == ()


async def test_the_best_encoder_of_each_format_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = {"h264_nvenc": [H264_444], "h264_qsv": [H264], "h264_amf": [H264]}

    async def passed(name: str) -> list[VideoFormat]:
        return passes.get(name, [])

    monkeypatch.setattr(glob, "glob", lambda pattern: [pattern])
    monkeypatch.setattr(encoder_probe, "probe", passed)
    assert await find_hardware() == ((H264_444, "h264_nvenc"), (H264, "h264_qsv"))


@pytest.mark.parametrize("name", DEVICES)
async def test_a_real_encoder_without_its_device_ends_cleanly(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    if any(map(glob.glob, DEVICES[name])):
        pytest.skip("here is such a device")
    assert await probe(name) == []
    assert "crashes" not in caplog.text and "hangs" not in caplog.text
