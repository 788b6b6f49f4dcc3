"""Tests of hardware in processes that may crash, hang and print."""

import glob
import sys

import pytest

from libvirt_webrtc.media.encode.hardware import KINDS
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.probes import encoder as encoder_probe
from libvirt_webrtc.probes.encoder import DEVICES, find_hardware, probe

H264, H264_444 = VideoFormat.H264, VideoFormat.H264_444


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_every_hardware_encoder_has_its_devices() -> None:
    assert list(DEVICES) == list(dict.fromkeys(kind.name for kind in KINDS))


async def test_what_passed_is_told_among_what_drivers_print(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    code = "print('libva info'); print('usable H264'); print('unusable H264_444 no such profile'); print('usable x')"
    assert await probe("h264_nvenc", *python(code)) == [H264]
    assert "h264_nvenc is not used for H264_444: no such profile" in caplog.text


async def test_a_driver_that_crashes_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    assert await probe("x", *python("print('usable H264', flush=True); import os; os.abort()")) == []
    assert "the test of x crashed (status -6)" in caplog.text


async def test_a_driver_that_hangs_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(encoder_probe, "TIMEOUT_S", 0.2)
    assert await probe("x", *python("import time; time.sleep(1000)")) == []
    assert "the test of x hangs" in caplog.text


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
    assert "crashed" not in caplog.text and "hangs" not in caplog.text
