"""Rates of frames, on a clock that the test sets."""

import pytest

from libvirt_webrtc.media.meter import Meter, Rates


def test_nothing_has_no_rate() -> None:
    assert Meter().rates(5.0) == Rates()


def test_rates_are_of_the_last_second() -> None:
    meter = Meter()
    meter.add(0.0, 1_000_000, encode_s=9.0, delay_s=9.0)
    for at in (1.2, 1.4, 1.6, 1.8):
        meter.add(at, 1000, encode_s=0.004, delay_s=0.010)
    rates = meter.rates(2.0)
    assert (rates.fps, rates.bits_per_second) == (4, 32_000)
    assert rates.encode_ms == pytest.approx(4) and rates.delay_ms == pytest.approx(10)


def test_a_quiet_stream_keeps_its_last_frames_times_and_has_no_rate() -> None:
    meter = Meter()
    meter.add(0.0, 1000, encode_s=0.004, delay_s=0.010)
    rates = meter.rates(60.0)
    assert (rates.fps, rates.bits_per_second) == (0, 0)
    assert rates.encode_ms == pytest.approx(4) and rates.delay_ms == pytest.approx(10)
